"""What an owner sees of one mail a week: how many, on whose page, when; and that they can choose it for nobody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from newsletter import articles, brand, campaigns, jobs, journey, resend
from newsletter.campaigns import Campaign
from newsletter.events import By, Event, Press
from newsletter.installation import LockReason, current
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import Lane, Message, Reason, State
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.preflight import had_it
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Segment, Subscriber
from newsletter.subscribers.segments import DatedRules, SavedSegment, condition
from newsletter.subscribers.segments.rules import WasSent
from tests.conftest import FixedClock
from tests.web.owner.conftest import Desk, sign_in

PRESS = Press(By.PAGE, "One mail a week.", "/preferences")
FRIDAY = datetime(2026, 6, 5, 8, 0, tzinfo=UTC)


@pytest.fixture
def readers(runtime: Runtime, person: Callable[..., int]) -> tuple[int, int]:
    """Jane, who takes one mail a week, and Bob."""
    jane, bob = person("jane@example.com"), person("bob@example.com")
    with runtime.database.transaction() as session:
        assert journey.take_digest(session, session.get_one(Subscriber, jane), PRESS, runtime.clock.now())
    return jane, bob


def _campaign(runtime: Runtime, title: str, at: timedelta = timedelta(0), counting: bool = False) -> int:
    now = runtime.clock.now()
    with runtime.database.transaction() as session:
        brand.current(session).count_clicks(counting)
        article = articles.write(session, now, title=title, subject=title, body="[Turn](https://one.example/).")
        made = Campaign(article=article, created_at=now)
        session.add(made)
        made.schedule(now + at, brand.current(session))
        session.flush()
        id = made.id
    _beat(runtime)
    return id


def _beat(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, runtime.clock.now())
        while campaigns.fill_next(session, runtime.clock.now()):
            pass
    while runtime.delivery.run(Lane.BULK):
        pass
    with runtime.database.transaction() as session:
        campaigns.finish_done(session, runtime.clock.now())


def test_a_persons_page_says_when_and_what(
    desk: Desk, readers: tuple[int, int], runtime: Runtime, clock: FixedClock
) -> None:
    jane, bob = (f"/owner/subscribers/{id}" for id in readers)
    words = desk.read(jane)
    assert "in one mail a week, by their own choice" in words
    assert "Next: Fri 5 Jun 2026, 09:00 BST, if something goes out before then." in words
    _campaign(runtime, "Golf")
    _campaign(runtime, "Knee", timedelta(days=5))
    words = desk.read(jane)
    assert "with the article that waits for it: Golf" in words
    assert "It waits for the next weekly mail." in words and "it goes into that." in words
    assert "Fri 12 Jun 2026, 09:00 BST Knee (in their weekly mail)" in words
    assert "Weekly mail" not in desk.read(bob) and "Sat 6 Jun 2026, 12:00 BST Knee" in desk.read(bob)
    clock.forward(FRIDAY - clock.now())
    sign_in(desk.client)
    jobs.send_digests(runtime, lambda: False)
    assert "It stands in the weekly mail that is queued now." in desk.read(jane)
    _beat(runtime)
    words = desk.read(jane)
    assert (
        "It stood in the weekly mail that was sent Fri 5 Jun 2026, 09:00 BST." in words and "Weekly mail sent" in words
    )


def test_the_campaign_says_how_many_before_and_behind(desk: Desk, readers: tuple[int, int], runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        now = runtime.clock.now()
        draft = Campaign(article=articles.write(session, now, title="Hip", subject="Hip", body="Turn."), created_at=now)
        session.add(draft)
        session.flush()
        id = draft.id
    assert "1 of them gets it in their weekly mail, not by itself." in desk.read(f"/owner/campaigns/{id}")
    golf = _campaign(runtime, "Golf")
    assert "1 of the cancelled takes one mail a week" in desk.read(f"/owner/campaigns/{golf}")


def test_day_and_hour_are_settings(desk: Desk, readers: tuple[int, int], runtime: Runtime) -> None:
    _campaign(runtime, "Golf")
    jobs.send_digests(runtime, lambda: False)
    with runtime.database.reading() as session:
        house = brand.current(session)
        kept = {name: getattr(house, name) for name in ("name", "author", "email", "zone", "language", "address")}
    told = desk.told("/owner/settings/brand", **kept, digest_weekday="1", digest_hour="7")
    assert "Saved." in told
    assert "Tue 2 Jun 2026, 07:00 BST" in desk.read(f"/owner/subscribers/{readers[0]}")
    with runtime.database.reading() as session:
        assert session.scalars(select(DigestEntry.due_at)).one() == runtime.clock.now(), "to be worked out anew"
    answer = desk.post("/owner/settings/brand", follow=False, **kept, digest_weekday="9", digest_hour="x")
    assert answer.status_code == 422


def test_no_press_of_an_owner_chooses_it(desk: Desk, readers: tuple[int, int], runtime: Runtime) -> None:
    bob = readers[1]
    desk.post(f"/owner/subscribers/{bob}/edit", first_name="Bob", tags="", digest="y", weekly="y")
    with runtime.database.reading() as session:
        assert not session.get_one(Subscriber, bob).digest
        assert session.scalars(select(Event).where(Event.subscriber_id == bob)).all() == []


def test_a_segment_finds_them(desk: Desk, readers: tuple[int, int], runtime: Runtime) -> None:
    for takes, found, other in (("yes", "jane@", "bob@"), ("no", "bob@", "jane@")):
        typed = {"name": f"Weekly {takes}", "zone": "Europe/London", "r.kind": "all", "r.0.kind": "digest"}
        desk.post("/owner/segments/new", **typed, **{"r.0.takes": takes, "do": "save"})
        with runtime.database.reading() as session:
            saved = session.scalars(select(SavedSegment).order_by(SavedSegment.id.desc())).first()
            assert saved is not None
            rules = saved.rules.on(runtime.clock.now())
            people = session.scalars(select(Subscriber.email).where(condition(rules))).all()
        assert [one.partition("@")[0] + "@" for one in people] == [found] and other not in people


def test_who_followed_nothing_was_sent_it_singly(
    desk: Desk, readers: tuple[int, int], runtime: Runtime, clock: FixedClock
) -> None:
    golf = _campaign(runtime, "Golf", counting=True)
    clock.forward(timedelta(days=5))
    with runtime.database.reading() as session:
        campaign = session.get_one(Campaign, golf)
        who = resend.readers(session, campaign, clock.now())
        assert session.scalars(select(Subscriber.id).where(who.condition())).all() == [readers[1]]


def test_after_a_restore_weekly_mails_that_are_due_wait_for_a_word(
    desk: Desk, readers: tuple[int, int], runtime: Runtime, clock: FixedClock, sent: SentList
) -> None:
    golf = _campaign(runtime, "Golf")
    sent.envelopes.clear()
    clock.forward(FRIDAY - clock.now())
    with runtime.database.transaction() as session:
        newest = max(session.scalars(select(Message.id)))
        current(session).lock(LockReason.RESTORED, newest, clock.now(), clock.now())
    jobs.send_digests(runtime, lambda: False)
    _beat(runtime)
    assert sent.envelopes == []
    sign_in(desk.client)
    assert "Weekly mails, in place of single campaigns" in desk.read("/owner/held")
    desk.post("/owner/held", **{"digests-due": "let-be"})
    jobs.send_digests(runtime, lambda: False)
    _beat(runtime)
    assert sent.envelopes == []
    with runtime.database.reading() as session:
        dispatch = session.get_one(Campaign, golf).dispatch_id
        its = select(Message).where(Message.dispatch_id == dispatch, Message.subscriber_id == readers[0])
        message = session.scalars(its).one()
        entry = session.get_one(DigestEntry, message.id)
    assert (message.state, entry.reason) == (State.CANCELLED, Reason.LET_BE)


def test_who_had_it_in_a_weekly_mail_was_sent_it(readers: tuple[int, int], runtime: Runtime, clock: FixedClock) -> None:
    golf = _campaign(runtime, "Golf")

    def had() -> tuple[list[int], int]:
        with runtime.database.reading() as session:
            rules = DatedRules(WasSent(golf), today=clock.now().date())
            article = session.get_one(Campaign, golf).article
            counted = had_it.count(session, Segment(), content_of(session, article.current), article.id)
            return sorted(session.scalars(select(Subscriber.id).where(condition(rules)))), counted

    assert had() == ([readers[1]], 1)
    clock.forward(FRIDAY - clock.now())
    jobs.send_digests(runtime, lambda: False)
    assert had() == ([readers[1]], 1), "queued is not sent"
    _beat(runtime)
    assert had() == (sorted(readers), 2)
