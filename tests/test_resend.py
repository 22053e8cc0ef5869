"""Once more, under another subject, to those who followed no link: once, not at once, and nobody who has."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from newsletter import campaigns
from newsletter.campaigns import Campaign, CampaignState, NotNow
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane
from newsletter.resend import PATIENCE, original_of, readers, resend, resent_as, waits_until, why_not
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber
from tests.clicking import LATER, Mailed, click, count_clicks, launch, mailed, send_campaign
from tests.web.owner.conftest import Desk, desk, owner  # noqa: F401 - fixtures

PEOPLE = ("jane@example.com", "joe@example.com", "ann@example.com", "bob@example.com")


@pytest.fixture
def sent_one(
    runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock
) -> tuple[int, dict[str, Mailed]]:
    """A campaign to four, three days ago; Jane has clicked, and a machine for Joe."""
    for email in PEOPLE:
        person(email)
    count_clicks(runtime)
    id = send_campaign(runtime)
    got = mailed(runtime, sent)
    clock.forward(LATER)
    click(runtime, got[PEOPLE[0]], 0)
    click(runtime, got[PEOPLE[1]], 0, by_machine=True)
    clock.forward(timedelta(days=3))
    return id, got


def _again(runtime: Runtime, id: int, subject: str = "Golf, for those who missed it") -> int:
    with runtime.database.transaction() as session:
        original = session.get_one(Campaign, id, with_for_update=True)
        return resend(session, original, subject, runtime.clock.now()).id


def _go(runtime: Runtime, id: int) -> None:
    with runtime.database.transaction() as session:
        made = session.get_one(Campaign, id)
        made.stored_state, made.scheduled_at = CampaignState.SCHEDULED, runtime.clock.now()
        session.flush()
        campaigns.launch_due(session, runtime.clock.now())
    launch(runtime)


def _why_not(runtime: Runtime, id: int) -> str:
    with runtime.database.reading() as session:
        return why_not(session, session.get_one(Campaign, id), runtime.clock.now())


def _waits_until(runtime: Runtime, id: int) -> datetime | None:
    with runtime.database.reading() as session:
        return waits_until(session, session.get_one(Campaign, id), runtime.clock.now())


def test_it_goes_to_those_who_followed_nothing(
    sent_one: tuple[int, dict[str, Mailed]], runtime: Runtime, sent: SentList, person: Callable[..., int]
) -> None:
    id, got = sent_one
    person("new@example.com")  # was not sent the first
    again = _again(runtime, id)
    with runtime.database.reading() as session:
        assert readers(session, session.get_one(Campaign, id), runtime.clock.now()).size(session) == 3
    click(runtime, got[PEOPLE[2]], 1)  # Ann, after the draft was made
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, got[PEOPLE[3]].subscriber).unsubscribe(runtime.clock.now())
    before = len(sent.envelopes)
    _go(runtime, again)
    assert [one.recipient for one in sent.envelopes[before:]] == ["joe@example.com"]
    assert b"Subject: Golf, for those who missed it" in sent.envelopes[-1].data
    assert not runtime.delivery.run(Lane.BULK)


def test_once_and_no_more(sent_one: tuple[int, dict[str, Mailed]], runtime: Runtime, clock: FixedClock) -> None:
    again = _again(runtime, sent_one[0])
    assert "once more already" in _why_not(runtime, sent_one[0])
    with pytest.raises(NotNow):
        _again(runtime, sent_one[0], "A third")
    _go(runtime, again)
    clock.forward(timedelta(days=3))
    assert "third time" in _why_not(runtime, again)
    with runtime.database.reading() as session:
        first, second = session.get_one(Campaign, sent_one[0]), session.get_one(Campaign, again)
        assert (resent_as(session, first), original_of(session, second)) == (second, first)
        assert second.counted_clicks


def test_one_that_was_thrown_away_is_none(sent_one: tuple[int, dict[str, Mailed]], runtime: Runtime) -> None:
    first = _again(runtime, sent_one[0])
    with runtime.database.transaction() as session:
        session.get_one(Campaign, first).cancel(session, runtime.clock.now())
    assert _why_not(runtime, sent_one[0]) == ""
    second = _again(runtime, sent_one[0])
    _go(runtime, second)
    with runtime.database.transaction() as session:
        original = session.get_one(Campaign, sent_one[0])
        assert original_of(session, session.get_one(Campaign, second)) == original
        assert original_of(session, session.get_one(Campaign, first)) is None


@pytest.mark.parametrize("subject", ["Golf", " gOLF ", "", "\t"])
def test_the_same_subject_or_none_is_refused(
    sent_one: tuple[int, dict[str, Mailed]], runtime: Runtime, subject: str
) -> None:
    with pytest.raises(NotNow, match="another subject"):
        _again(runtime, sent_one[0], subject)


def test_not_before_two_days_and_not_without_clicks(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    person("jane@example.com")
    uncounted = send_campaign(runtime)
    count_clicks(runtime)
    counted = send_campaign(runtime)
    clock.forward(PATIENCE - timedelta(seconds=1))
    assert "less than two days" in _why_not(runtime, counted)
    assert _waits_until(runtime, counted) == clock.now() + timedelta(seconds=1)
    clock.forward(timedelta(seconds=1))
    assert (_why_not(runtime, counted), _waits_until(runtime, counted)) == ("", None)
    assert _waits_until(runtime, uncounted) is None
    assert "not counted" in _why_not(runtime, uncounted)
    assert "only a campaign that has gone out" in _why_not(runtime, _again(runtime, counted)).lower()


def test_its_page_says_from_when_on(
    desk: Desk,  # noqa: F811
    runtime: Runtime,
    person: Callable[..., int],
) -> None:
    person("jane@example.com")
    count_clicks(runtime)
    path = f"/owner/campaigns/{send_campaign(runtime)}"
    assert "it can go once more, under another subject, to those who followed no link" in desk.read(path)


def test_the_owners_way(sent_one: tuple[int, dict[str, Mailed]], desk: Desk) -> None:  # noqa: F811
    path = f"/owner/campaigns/{sent_one[0]}"
    assert "Send it once more to those who followed no link" in (page := desk.read(path))
    assert "it can go once more" not in page
    assert "Now that would be 3 people" in (asked := desk.read(f"{path}/once-more"))
    assert "its checks and its time" in asked
    assert "Give it another subject: under the same one" in desk.told(f"{path}/once-more", subject="Golf")
    assert desk.post(f"{path}/once-more", subject="").status_code == 422
    made = desk.post(f"{path}/once-more", subject="You may have missed this", preheader="Golf")
    words = desk.read(made.request.path)
    assert "were sent it before and followed no link: 3 now" in words and "It is “Golf” once more." in words
    assert "3 will get it." in words
    assert "It goes out in 10 seconds" in desk.told(f"{made.request.path}/schedule", when="now", accept="y")
    assert "Once more, to those who followed no link: “You may have missed this”" in desk.read(path)
    assert "once more already" in desk.told(f"{path}/once-more", subject="And again")
    assert "once more already" in desk.told(f"{path}/once-more")
