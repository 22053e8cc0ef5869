"""Another address, taken back from the earlier one; and what the new one proves meanwhile."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from newsletter import jobs, journey
from newsletter.imports import import_csv
from newsletter.journey import LinkOver, Proof, Stayed
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    AddressChange,
    Status,
    Subscriber,
    Suppression,
    TopicChoice,
)
from tests.conftest import NOON, FixedClock, InlineTrigger
from tests.journey.conftest import JANE, Street
from tests.journey.moving import NEW, ask, newest, press, stay


@pytest.fixture
def reader(street: Street, trigger: InlineTrigger) -> Street:
    """Jane, with a topic of the newsletter and a series."""
    street.sign_up(newsletter=True, topics=TopicChoice.of({1}))
    street.press_newest()
    trigger.wake()
    return street


def test_the_earlier_one_takes_it_back_for_a_day(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    before = reader.person()
    ask(runtime)
    press(runtime)
    clock.forward(timedelta(hours=23))
    assert [stay(runtime), stay(runtime)] == [Stayed.TAKEN_BACK, Stayed.TAKEN_BACK]
    assert (reader.person().id, reader.person().newsletter) == (before.id, True)
    with pytest.raises(LinkOver):
        press(runtime)
    with runtime.database.reading() as session:
        assert session.scalars(select(Suppression)).all() == []
        assert session.scalars(select(Subscriber.email)).all() == [JANE]


def test_whoever_moves_on_and_on_loses_it_all_the_same(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    ask(runtime)
    first = newest(runtime)
    press(runtime)
    clock.forward(timedelta(hours=1))
    ask(runtime, "third@example.com", NEW)
    press(runtime)
    second = newest(runtime)
    ask(runtime, "fourth@example.com", "third@example.com")
    assert stay(runtime, first) is Stayed.TAKEN_BACK
    assert reader.person().status is Status.CONFIRMED
    assert stay(runtime, second) is Stayed.OVER
    with pytest.raises(LinkOver):
        press(runtime)


@pytest.mark.parametrize("since", ["a day", "somebody else"])
def test_it_is_not_taken_back_when(since: str, reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    ask(runtime)
    press(runtime)
    if since == "a day":
        clock.forward(timedelta(days=1, seconds=1))
    reader.sign_up(guide=None, newsletter=True)
    if since == "somebody else":
        reader.press_newest()
    assert stay(runtime) is Stayed.OVER
    assert reader.person(NEW).status is Status.CONFIRMED


def test_who_asks_anew_has_not_stopped_that_by_the_earlier_press(reader: Street, runtime: Runtime) -> None:
    ask(runtime)
    first = newest(runtime)
    assert stay(runtime) is Stayed.STOPPED
    ask(runtime, "third@example.com")
    assert stay(runtime, first) is Stayed.OVER
    press(runtime)
    assert stay(runtime, first) is Stayed.OVER


def test_the_earlier_address_is_forgotten_after_that_day(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    ask(runtime)
    press(runtime)
    for hours, kept in ((23, JANE), (2, None)):
        clock.forward(timedelta(hours=hours))
        jobs.sweep(runtime, lambda: False)
        with runtime.database.reading() as session:
            assert session.scalars(select(AddressChange.earlier)).one() == kept


def test_an_old_list_does_not_bring_the_earlier_address_back(reader: Street, runtime: Runtime) -> None:
    ask(runtime)
    press(runtime)
    file = io.BytesIO(f"email\n{JANE}\n".encode())
    import_csv(runtime.database, file, "an old list", runtime.secrets, NOON)
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber.email)).all() == [NEW]
    reader.sign_up(guide=None, newsletter=True)
    reader.press_newest()
    assert reader.person().status is Status.CONFIRMED, "their own press does"


def _proof(runtime: Runtime, email: str) -> bool:
    with runtime.database.transaction() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email == email)).one()
        return journey.ask_proof(session, person, Proof.DATA, runtime.clock.now())


def test_a_new_mailbox_reads_and_deletes_nothing_for_a_day(reader: Street, runtime: Runtime, clock: FixedClock) -> None:
    ask(runtime)
    press(runtime)
    assert not _proof(runtime, NEW), "whoever was passed a mail could have moved it to a mailbox of theirs"
    clock.forward(timedelta(days=1, seconds=1))
    assert _proof(runtime, NEW)


def test_pressed_at_both_mailboxes_at_once_it_stays_as_it_was(reader: Street, runtime: Runtime) -> None:
    ask(runtime)
    change, both = newest(runtime), Barrier(2)

    def at_once(verb: Callable[[Runtime, int], object]) -> object:
        both.wait()
        try:
            return verb(runtime, change)
        except LinkOver as over:
            return over

    with ThreadPoolExecutor(2) as hands:
        there, here = hands.map(at_once, (press, stay))
    assert (here is Stayed.STOPPED) is isinstance(there, LinkOver)
    assert here in (Stayed.STOPPED, Stayed.TAKEN_BACK)
    assert reader.person().status is Status.CONFIRMED


def test_pressed_twice_at_once_it_is_done_once(reader: Street, runtime: Runtime) -> None:
    ask(runtime)
    before, both = len(reader.consents()), Barrier(2)

    def at_once(_: int) -> int:
        both.wait()
        return press(runtime, 1)

    with ThreadPoolExecutor(2) as hands:
        assert len(set(hands.map(at_once, range(2)))) == 1
    assert len(reader.consents(NEW)) == before + 1
