"""What a bulk action does, and to whom: never more than its dry run said, and never more than people asked for."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select, true

from newsletter import journey
from newsletter.bulk_actions import ActionKind, ActionState, BulkAction, People
from newsletter.bulk_actions.person import BulkPerson
from newsletter.events import By, Event, EventKind
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    Status,
    Stream,
    Subscriber,
    Suppression,
    TopicChoice,
    set_topics,
    tag_all,
    topic_choice,
    untag_all,
)
from newsletter.subscribers.segments.reading import as_json
from newsletter.subscribers.segments.rules import HasTag, Rules
from tests.bulk_actions.conftest import ASKED, OTHERS, Crowd

Inbox = Callable[[str], list[EmailMessage]]


def _deliver(crowd: Crowd) -> None:
    while crowd.runtime.delivery.run(Lane.TRANSACTIONAL):
        pass


def test_a_guide_goes_to_those_who_asked_for_it_and_starts_nothing(crowd: Crowd, inbox: Inbox) -> None:
    _deliver(crowd)
    before = {email: len(inbox(email)) for email in (*ASKED, *OTHERS, "lou@example.com", "pip@example.com")}
    enrolled = crowd.enrolled()
    assert crowd.reach(ActionKind.GUIDE) == (8, 3)
    id = crowd.begin(ActionKind.GUIDE)
    crowd.work()
    _deliver(crowd)
    got = {email for email, many in before.items() if len(inbox(email)) == many + 1}
    assert got == set(ASKED) and sum(len(inbox(one)) for one in before) == sum(before.values()) + 3
    it = crowd.action(id)
    assert (it.state, it.looked_at, it.done, it.expected) == (ActionState.DONE, 8, 3, 8)
    assert crowd.enrolled() == enrolled == sorted(ASKED)


def test_a_series_is_stopped_for_those_who_are_in_it(crowd: Crowd) -> None:
    assert crowd.reach(ActionKind.STOP_SERIES) == (8, 3)
    id = crowd.begin(ActionKind.STOP_SERIES, People(asked="ben@example.com"))
    assert crowd.reach(ActionKind.STOP_SERIES, People(asked="ben@example.com")) == (1, 1)
    crowd.work()
    assert crowd.enrolled() == ["ann@example.com", "cid@example.com"]
    assert (crowd.action(id).done, crowd.action(id).looked_at) == (1, 1)


def test_a_topic_is_taken_away_and_given_to_nobody(crowd: Crowd, runtime: Runtime) -> None:
    """Ann takes every topic, Ben this one alone, Cid another, and Dan would take it, but no newsletter."""
    first, second = (TopicChoice.of([id]) for id in (crowd.topic_id, crowd.topic_id + 1))
    with runtime.database.transaction() as session:
        every = {one.email: one for one in session.scalars(select(Subscriber))}
        for one in every.values():
            one.newsletter = one.email in ASKED
        set_topics(session, every["ben@example.com"], first)
        set_topics(session, every["cid@example.com"], second)
    assert crowd.reach(ActionKind.LEAVE_TOPIC) == (8, 2)
    id = crowd.begin(ActionKind.LEAVE_TOPIC)
    crowd.work()
    assert (crowd.action(id).looked_at, crowd.action(id).done) == (8, 2)
    with runtime.database.reading() as session:
        taken = {one.email[:3]: topic_choice(session, one) for one in session.scalars(select(Subscriber))}
        assert (taken["ann"], taken["ben"], taken["cid"]) == (second, TopicChoice.of([]), second)
        assert taken["dan"].every, "who gets nothing of it is left alone"
        noted = select(Subscriber.email, Event.by).join(Event).where(Event.kind == EventKind.TOPIC_OFF)
        assert sorted(session.execute(noted)) == [("ann@example.com", By.OWNER), ("ben@example.com", By.OWNER)]
    assert crowd.reach(ActionKind.LEAVE_TOPIC) == (8, 0)


def test_erasing_leaves_the_others_and_a_code_against_old_lists(crowd: Crowd, runtime: Runtime) -> None:
    assert crowd.reach(ActionKind.ERASE, People(status=Status.PENDING)) == (1, 1)
    crowd.begin(ActionKind.ERASE, People(status=Status.PENDING))
    crowd.work()
    assert crowd.addresses() == {*ASKED, *OTHERS, "lou@example.com"}
    with runtime.database.reading() as session:
        assert Suppression.of(session, runtime.secrets, "pip@example.com") is not None


def test_the_address_that_was_searched_for_is_forgotten_with_the_end(crowd: Crowd) -> None:
    id = crowd.begin(ActionKind.ERASE, People(asked="ann@example.com"))
    assert crowd.action(id).asked == "ann@example.com"
    crowd.work()
    assert crowd.action(id).asked == "" and "ann@example.com" not in crowd.addresses()


def test_an_erased_address_is_taken_out_of_what_was_searched_for(crowd: Crowd, runtime: Runtime) -> None:
    id = crowd.begin(ActionKind.STOP_SERIES, People(asked="ANN@example.com"))
    runtime.forget_traces("ann@example.com")
    assert crowd.action(id).asked == "[erased]"


@pytest.mark.parametrize("stored", [{}, as_json(Rules(HasTag("nobody has it")))], ids=["unreadable", "nobody"])
def test_a_segment_of_nobody_is_nobody(crowd: Crowd, stored: dict[str, object]) -> None:
    assert crowd.reach(ActionKind.ERASE, People(rules=(stored,))) == (0, 0)
    id = crowd.begin(ActionKind.ERASE, People(rules=(stored,)))
    crowd.work()
    assert len(crowd.addresses()) == 8 and crowd.action(id).state is ActionState.DONE


def test_who_comes_after_the_press_is_not_meant(crowd: Crowd, person: Callable[..., int]) -> None:
    crowd.begin(ActionKind.ERASE)
    person("new@example.com")
    crowd.work()
    assert crowd.addresses() == {"new@example.com"}


def test_only_those_who_were_shown_are_erased_and_only_while_they_fit(crowd: Crowd, runtime: Runtime) -> None:
    """Ann and Ben have the tag at the press; then Ben loses it, and Dan, who was here before, gets it."""
    _tagged(runtime, *ASKED[:2])
    id = crowd.begin(ActionKind.ERASE, People(tag="gone"))
    _tagged(runtime, ASKED[0], OTHERS[0])
    crowd.work()
    assert crowd.addresses() == {*ASKED[1:], *OTHERS, "lou@example.com", "pip@example.com"}
    it = crowd.action(id)
    assert (it.state, it.expected, it.looked_at, it.done) == (ActionState.DONE, 2, 2, 1)
    assert _named(runtime) == 0


@pytest.mark.parametrize("kind", ActionKind)
def test_who_was_shown_is_written_down_for_erasing_only_and_till_the_end(crowd: Crowd, kind: ActionKind) -> None:
    id = crowd.begin(kind)
    assert _named(crowd.runtime) == (8 if kind is ActionKind.ERASE else 0)
    with crowd.runtime.database.transaction() as session:
        session.get_one(BulkAction, id).call_off(session, crowd.clock.now())
    assert _named(crowd.runtime) == 0


def test_who_goes_by_themselves_is_not_missed(crowd: Crowd, runtime: Runtime) -> None:
    id = crowd.begin(ActionKind.ERASE)
    with runtime.database.transaction() as session:
        ann = session.scalars(select(Subscriber).where(Subscriber.email == ASKED[0])).one()
        journey.erase(session, runtime, ann, crowd.clock.now())
    crowd.work()
    assert crowd.addresses() == set() and (crowd.action(id).looked_at, crowd.action(id).done) == (7, 7)


def _tagged(runtime: Runtime, *emails: str) -> None:
    with runtime.database.transaction() as session:
        untag_all(session, "gone", true())
        tag_all(session, "gone", Subscriber.email.in_(emails))


def _named(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(BulkPerson)) or 0


def test_guides_let_confirmations_go_first(crowd: Crowd, runtime: Runtime) -> None:
    id = crowd.begin(ActionKind.GUIDE)
    crowd.work()  # four guides wait from the beginning: nothing is added behind them
    assert crowd.action(id).looked_at == 0 and crowd.action(id).state is ActionState.WAITING
    _deliver(crowd)
    crowd.work(timedelta(seconds=1))
    assert crowd.action(id).state is ActionState.DONE
    with runtime.database.reading() as session:
        guides = select(func.count()).select_from(Message).where(Message.stream == Stream.GUIDE)
        assert session.scalar(guides) == 4 + 3
