"""Who a campaign leaves out: segments, and who has had its article; it holds when its recipients are written."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from newsletter import articles, brand, campaigns
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState, Judge, NotNow, Wish, delete_segment, together
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message, State
from newsletter.resend import resend
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber, Tag, retag, segments
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments.rules import Called, HasTag
from tests.campaigns.conftest import WISH
from tests.clicking import LATER, count_clicks, send_campaign
from tests.conftest import NOON

BY_HAND = replace(WISH, judge=Judge.HAND)


@pytest.fixture
def house(runtime: Runtime, person: Callable[..., int]) -> Runtime:
    """Jane, Joe, Ann and Bob; Jane and Joe have the tag “guide”; and an article."""
    for name in ("jane", "joe", "ann", "bob"):
        person(f"{name}@example.com")
    with runtime.database.transaction() as session:
        for id in session.scalars(select(Subscriber.id).where(Subscriber.email.like("j%"))).all():
            retag(session, id, ["guide"])
        segments.save(session, "Asked", Rules(HasTag("guide")), NOON)
        segments.save(session, "B", Rules(Called("bob")), NOON)
        articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.")
    return runtime


def made(runtime: Runtime, *left_out: str, had: bool = False, wish: Wish | None = None) -> int:
    """A draft of the article to everybody but those."""
    with runtime.database.transaction() as session:
        article = session.scalars(select(Article).where(Article.title == "Golf")).one()
        one = Campaign(article=article, created_at=NOON, leaves_out_had=had)
        one.left_out = [saved for name in left_out if (saved := segments.named(session, name))]
        session.add(one)
        session.flush()
        if wish:
            campaigns.make_ab_test(session, one, wish, brand.current(session), NOON)
        return one.id


def go(runtime: Runtime, id: int) -> None:
    """Schedule it for now and launch it; its recipients are not written yet."""
    with runtime.database.transaction() as session:
        together.schedule(session, session.get_one(Campaign, id), runtime.clock.now(), brand.current(session))
    with runtime.database.transaction() as session:
        campaigns.launch_due(session, runtime.clock.now())


def names(runtime: Runtime, id: int | None = None) -> list[str]:
    """To whom it is written, or all of them are."""
    look = select(Subscriber.email).join(Message, Message.subscriber_id == Subscriber.id)
    look = look.where(Message.dispatch_id.is_not(None))
    if id is not None:
        look = look.join(Campaign, Campaign.dispatch_id == Message.dispatch_id).where(Campaign.id == id)
    with runtime.database.reading() as session:
        return sorted(email.split("@")[0] for email in session.scalars(look))


def filled(runtime: Runtime) -> None:
    """Write all recipients there are to be written."""
    while True:
        with runtime.database.transaction() as session:
            if not campaigns.fill_next(session, runtime.clock.now(), 1):
                return


def test_who_is_in_a_segment_that_is_left_out_gets_nothing(house: Runtime) -> None:
    id = made(house, "Asked", "B")
    with house.database.reading() as session:
        assert session.get_one(Campaign, id).audience(NOON).size(session) == 1
    go(house, id)
    filled(house)
    assert names(house) == ["ann"]


def test_other_rules_come_too_late_once_it_is_launched(house: Runtime) -> None:
    id = made(house, "Asked")
    with house.database.transaction() as session:  # before, they hold
        segments.save(session, "Asked", Rules(Called("joe")), NOON, segments.named(session, "Asked"))
    go(house, id)
    with house.database.transaction() as session:
        segments.save(session, "Asked", Rules(Called("a")), NOON, segments.named(session, "Asked"))
    filled(house)
    assert names(house) == ["ann", "bob", "jane"]


def test_what_is_left_out_and_names_something_that_is_gone_stops_it(house: Runtime) -> None:
    id = made(house, "Asked")
    with house.database.transaction() as session:
        session.delete(session.scalars(select(Tag).where(Tag.name == "guide")).one())
    go(house, id)
    filled(house)
    assert names(house) == [], "not everybody"


def test_both_halves_of_a_test_and_the_rest_leave_them_out(house: Runtime) -> None:
    id = made(house, "Asked", wish=BY_HAND)
    go(house, id)
    filled(house)
    with house.database.transaction() as session:
        test = campaigns.ab_test_of(session, session.get_one(Campaign, id))
        assert test is not None
        rest = campaigns.choose(session, test, campaigns.Part.A, house.clock.now(), house.clock.now())
        assert [one.name for one in rest.left_out] == ["Asked"]
        campaigns.launch_due(session, house.clock.now())
    filled(house)
    assert names(house) == ["ann", "bob"]


def test_at_everyones_own_time_too(house: Runtime) -> None:
    id = made(house, "Asked")
    with house.database.transaction() as session:
        one, now = session.get_one(Campaign, id), house.clock.now()
        wall = (now - timedelta(hours=2)).replace(tzinfo=None)
        campaigns.schedule_own_time(session, one, wall, brand.current(session), now, now)
        campaigns.launch_due(session, now)
    filled(house)
    assert names(house) == ["ann", "bob"]


def test_once_more_leaves_out_whom_the_first_left_out(house: Runtime, sent: SentList, clock: FixedClock) -> None:
    count_clicks(house)
    id = send_campaign(house)
    with house.database.transaction() as session:
        left_out = segments.named(session, "B")
        assert left_out is not None
        session.get_one(Campaign, id).left_out_rules = [left_out.stored]  # as if it had; Bob was sent it all the same
    clock.forward(LATER + timedelta(days=3))
    with house.database.transaction() as session:
        again = resend(session, session.get_one(Campaign, id), "Other words", house.clock.now()).id
    go(house, again)
    filled(house)
    assert names(house, again) == ["ann", "jane", "joe"]


@pytest.mark.parametrize(("state", "gets"), [(State.SENT, False), (State.UNCERTAIN, False), (State.FAILED, True)])
def test_who_had_the_article_or_may_have(house: Runtime, state: State, gets: bool) -> None:
    first = made(house, "Asked", "B")
    go(house, first)
    filled(house)
    with house.database.transaction() as session:
        session.execute(update(Message).where(Message.dispatch_id.is_not(None)).values(state=state))
    second = made(house, had=True)
    go(house, second)
    filled(house)
    assert ("ann" in names(house, second)) is gets
    assert {"bob", "jane", "joe"} <= set(names(house, second))


def test_the_other_one_of_a_test_is_the_same_mailing(house: Runtime) -> None:
    first = made(house, wish=BY_HAND)
    go(house, first)
    filled(house)
    with house.database.transaction() as session:
        session.execute(update(Message).where(Message.dispatch_id.is_not(None)).values(state=State.SENT))
    tested = names(house)
    assert tested
    second = made(house, had=True)
    go(house, second)
    filled(house)
    assert names(house, second) == sorted({"ann", "bob", "jane", "joe"} - set(tested))


def test_a_segment_that_is_left_out_is_not_deleted_before_its_campaign_has_gone(house: Runtime) -> None:
    id = made(house, "Asked")
    with house.database.transaction() as session:
        asked = segments.named(session, "Asked")
        assert asked is not None
        with pytest.raises(NotNow, match="leaves it out: “Golf”"):
            delete_segment(session, asked)
    go(house, id)
    with house.database.transaction() as session:
        asked = segments.named(session, "Asked")
        assert asked is not None
        delete_segment(session, asked)
    filled(house)
    assert names(house) == ["ann", "bob"], "by the rules that it kept"


def test_an_erased_address_is_taken_out_of_the_rules_it_kept(house: Runtime) -> None:
    id = made(house, "B")
    go(house, id)
    with house.database.transaction() as session:
        campaigns.forget_mentions(session, "bob")
    with house.database.reading() as session:
        kept = session.get_one(Campaign, id)
        assert kept.stored_state is CampaignState.SENDING and "bob" not in str(kept.left_out_rules)
