"""What Paula may change of what somebody receives, at their word: less, later, elsewhere. Never more."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import journey, topics
from newsletter.accounts import AuditEntry
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    AddressChange,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    TopicChoice,
    address_hash,
    read_address,
    set_topics,
    topic_choice,
)
from tests.conftest import NOON
from tests.web.owner.conftest import Desk, readable

People = Callable[..., int]
JANE, NEW = "jane@example.com", "jane@new.example.com"
THERE = Press(By.MAIL, "Yes, write to me here.", "/own")


@pytest.fixture
def jane(person: People) -> int:
    return person(JANE, "Jane")


@pytest.fixture
def two_topics(runtime: Runtime) -> tuple[int, int]:
    """The first two topics of the house."""
    with runtime.database.reading() as session:
        first, second, *_ = topics.open_ones(session)
        return first.id, second.id


def _person(runtime: Runtime, id: int) -> Subscriber:
    with runtime.database.reading() as session:
        return session.get_one(Subscriber, id)


def _audited(runtime: Runtime, action: str) -> int:
    with runtime.database.reading() as session:
        return len(session.scalars(select(AuditEntry).where(AuditEntry.action == action)).all())


def test_paula_asks_at_an_address_that_jane_has_told_her_and_jane_moves_by_her_own_press(
    desk: Desk, jane: int, runtime: Runtime
) -> None:
    told = desk.told(f"/owner/subscribers/{jane}/address", address=NEW)
    assert "Nothing changes before its button is pressed" in told
    assert _person(runtime, jane).email == JANE
    with runtime.database.reading() as session:
        mails = session.scalars(select(Message).order_by(Message.id)).all()
        asked = {one.context["what"]: (one.subscriber.email, one.context.get("by_owner")) for one in mails}
    assert asked == {"move": (NEW, True), "stay": (JANE, True)}
    assert _audited(runtime, "change of address asked for") == 1
    with runtime.database.transaction() as session:
        change = session.scalars(select(AddressChange.id)).one()
        journey.move(session, runtime, change, THERE, NOON)
    assert _person(runtime, jane).email == NEW
    assert "Asked for by the owner" in desk.read(f"/owner/subscribers/{jane}")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("bo@example.com", "signed up with this address"),
        ("left@example.com", "signed up with this address"),
        ("never@example.com", "nothing may be sent to this address"),
        (JANE, "their address already"),
        ("jane@", "address"),
        ("<script>@example.com", "address"),
        ("", "Type the new address"),
    ],
)
def test_an_address_that_cannot_be_asked_is_told_plainly_and_stays_typed(
    desk: Desk, jane: int, runtime: Runtime, person: People, address: str, why: str
) -> None:
    person("bo@example.com")
    gone = person("left@example.com")
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, gone).status = Status.UNSUBSCRIBED
        key = read_address("never@example.com").key
        Suppression.add(session, address_hash(runtime.secrets[0], key), SuppressionReason.REFUSED, NOON)
    answer = desk.post(f"/owner/subscribers/{jane}/address", address=address)
    assert answer.status_code == 422
    assert why in readable(answer.text)
    assert "<script>@" not in answer.text
    if address and "<" not in address:
        assert f'value="{address}"' in answer.text
    with runtime.database.reading() as session:
        assert session.scalars(select(AddressChange)).all() == []
        assert session.scalars(select(Message)).all() == []


def test_paula_asks_no_oftener_in_a_day_than_jane_herself(desk: Desk, jane: int, runtime: Runtime) -> None:
    answers = [desk.post(f"/owner/subscribers/{jane}/address", address=f"j{n}@new.example.com") for n in range(9)]
    assert "often enough" in readable(answers[-1].text)
    with runtime.database.reading() as session:
        asked = session.scalars(select(AddressChange)).all()
    assert len(asked) < 9


def test_paula_pauses_jane_and_takes_back_her_own_pause_alone(
    desk: Desk, jane: int, runtime: Runtime, clock: FixedClock
) -> None:
    assert "for 30 days nothing comes" in desk.told(f"/owner/subscribers/{jane}/pause")
    assert _person(runtime, jane).paused_until == NOON + timedelta(days=30)
    assert "paused by you until" in desk.read(f"/owner/subscribers/{jane}")
    assert "paused already" in desk.told(f"/owner/subscribers/{jane}/pause")
    assert "What they had goes on." in desk.told(f"/owner/subscribers/{jane}/go-on")
    assert _person(runtime, jane).paused_until is None
    with runtime.database.transaction() as session:
        journey.pause(session, session.get_one(Subscriber, jane), Press(By.PAGE, "Pause.", "/preferences"), NOON)
    assert "they paused it themselves" in desk.told(f"/owner/subscribers/{jane}/go-on")
    assert _person(runtime, jane).is_paused
    page = desk.read(f"/owner/subscribers/{jane}")
    assert "Take the pause back" not in page
    assert "only they end it before its time" in page
    assert (_audited(runtime, "subscriber paused"), _audited(runtime, "pause taken back")) == (1, 1)


def test_paula_unticks_a_topic_of_janes_and_cannot_tick_one(
    desk: Desk, jane: int, runtime: Runtime, two_topics: tuple[int, int]
) -> None:
    first, second = two_topics
    assert "Nothing was changed" in desk.told(f"/owner/subscribers/{jane}/topics", seen=[first], topics=[first])
    told = desk.told(f"/owner/subscribers/{jane}/topics", seen=[first, second], topics=[second])
    assert "no campaign about what was unticked" in told
    with runtime.database.reading() as session:
        choice = topic_choice(session, session.get_one(Subscriber, jane))
    assert not choice.takes(first)
    assert choice.takes(second)
    assert not choice.every
    refused = desk.told(f"/owner/subscribers/{jane}/topics", seen=[second], topics=[first, second])
    assert "a topic is added by the reader’s own press alone" in refused
    with runtime.database.reading() as session:
        assert topic_choice(session, session.get_one(Subscriber, jane)) == choice
    assert "/preferences/" in desk.get(f"/owner/subscribers/{jane}")
    assert _audited(runtime, "topics taken away") == 1


def test_a_topic_that_paula_did_not_see_stays(
    desk: Desk, jane: int, runtime: Runtime, two_topics: tuple[int, int]
) -> None:
    with runtime.database.transaction() as session:
        set_topics(session, session.get_one(Subscriber, jane), TopicChoice.of(two_topics))
    desk.post(f"/owner/subscribers/{jane}/topics", seen=["x", "²", "9" * 40, two_topics[0]], topics=["²", "9" * 40])
    with runtime.database.reading() as session:
        assert topic_choice(session, session.get_one(Subscriber, jane)) == TopicChoice.of([two_topics[1]])
