"""What is a click, and whose: people apart from machines, once for each mail and link, whatever comes twice."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from newsletter import journey
from newsletter.clicks import Click
from newsletter.clock import FixedClock
from newsletter.feedback import Hit, clicked
from newsletter.feedback.click import A_MOMENT, PATIENCE, TOO_SOON
from newsletter.mail.ledger import Message, State
from newsletter.mail.render.counted import Destination
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber
from tests.clicking import LATER, ONE, THREE, TWO, Mailed, count_clicks, held, mailed, send_campaign
from tests.conftest import NOON

URLS = (ONE, TWO, THREE)
SECOND = timedelta(seconds=1)


@pytest.fixture
def jane(runtime: Runtime, person: Callable[..., int], sent: SentList, clock: FixedClock) -> Mailed:
    """What Jane got at noon."""
    person("jane@example.com", "Jane")
    count_clicks(runtime)
    send_campaign(runtime)
    clock.forward(LATER)
    return mailed(runtime, sent)["jane@example.com"]


@pytest.fixture
def hit(runtime: Runtime, jane: Mailed) -> Callable[..., Hit]:
    """A hit on one of Jane's links, so long after noon."""
    with runtime.database.reading() as session:
        revision = session.scalars(select(Message.revision_id).where(Message.id == jane.message)).one() or 0

    def made(url: str = ONE, after: timedelta = LATER, by_machine: bool = False, revision: int = revision) -> Hit:
        return Hit(jane.message, Destination(url, len(URLS), revision), NOON + after, by_machine)

    return made


def write(runtime: Runtime, *hits: Hit) -> list[Hit]:
    """Write them down."""
    with runtime.database.transaction() as session:
        return clicked(session, hits, runtime.clock.now())


def _by(runtime: Runtime) -> dict[str, tuple[bool, bool]]:
    return {url: (person, machine) for _, url, person, machine in held(runtime)}


def test_soon_after_acceptance_nobody_has_read_it(runtime: Runtime, hit: Callable[..., Hit]) -> None:
    write(runtime, hit(ONE, TOO_SOON - SECOND / 100), hit(TWO, TOO_SOON))
    assert _by(runtime) == {ONE: (False, True), TWO: (True, False)}
    write(runtime, hit(THREE, -SECOND))
    assert _by(runtime)[THREE] == (False, True)


def test_all_links_within_a_moment_are_a_machines(runtime: Runtime, hit: Callable[..., Hit]) -> None:
    write(runtime, *(hit(url, LATER + number * SECOND) for number, url in enumerate(URLS)))
    assert set(_by(runtime).values()) == {(False, True)}


@pytest.mark.parametrize("step", [A_MOMENT, timedelta(minutes=1)])
def test_all_links_one_after_another_are_a_persons(runtime: Runtime, hit: Callable[..., Hit], step: timedelta) -> None:
    write(runtime, *(hit(url, LATER + number * step) for number, url in enumerate(URLS)))
    assert set(_by(runtime).values()) == {(True, False)}


def test_a_machine_is_told_when_its_last_link_comes(runtime: Runtime, hit: Callable[..., Hit]) -> None:
    write(runtime, hit(ONE), hit(TWO))
    assert set(_by(runtime).values()) == {(True, False)}
    write(runtime, hit(THREE, LATER + SECOND))
    assert set(_by(runtime).values()) == {(False, True)}
    write(runtime, hit(TWO, 2 * LATER))
    assert _by(runtime) == {ONE: (False, True), TWO: (True, True), THREE: (False, True)}


def test_a_mail_with_one_link_is_no_ones_burst(runtime: Runtime, hit: Callable[..., Hit], jane: Mailed) -> None:
    one = hit(ONE)
    write(runtime, Hit(one.message, Destination(ONE, 1, one.destination.revision), one.at, False))
    assert _by(runtime) == {ONE: (True, False)}


def test_before_the_outcome_is_known_a_click_waits(runtime: Runtime, hit: Callable[..., Hit], jane: Mailed) -> None:
    with runtime.database.transaction() as session:
        under_way = update(Message).where(Message.id == jane.message)
        session.execute(under_way.values(state=State.SENDING, settled_at=None))
    one = hit(after=LATER - SECOND)
    assert write(runtime, one) == [one] and held(runtime) == set()
    assert write(runtime, hit(after=LATER - PATIENCE)) == []
    assert _by(runtime) == {ONE: (True, False)}


def test_other_words_than_the_mails_are_nobodys(runtime: Runtime, hit: Callable[..., Hit]) -> None:
    assert write(runtime, hit(revision=1), hit(after=-LATER)) == []
    assert held(runtime) == set()


def test_a_message_that_is_gone_is_nobodys(runtime: Runtime, hit: Callable[..., Hit], jane: Mailed) -> None:
    with runtime.database.transaction() as session:
        session.execute(delete(Message).where(Message.id == jane.message))
    assert write(runtime, hit()) == []
    assert held(runtime) == set()


MOMENTS = st.sampled_from([SECOND, LATER, LATER + SECOND, LATER + 2 * SECOND, LATER + A_MOMENT, 3 * LATER])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_written_twice_is_the_same(data: st.DataObject, runtime: Runtime, hit: Callable[..., Hit]) -> None:
    drawn = st.builds(hit, st.sampled_from(URLS), MOMENTS, st.booleans())
    hits = data.draw(st.lists(drawn, min_size=1, max_size=6))
    with runtime.database.transaction() as session:
        session.execute(delete(Click))
    write(runtime, *hits)
    once = held(runtime)
    write(runtime, *hits)
    assert held(runtime) == once
    assert {url for _, url, _, _ in once} == {one.destination.address for one in hits}


def test_two_who_write_the_same_write_it_once(runtime: Runtime, hit: Callable[..., Hit], jane: Mailed) -> None:
    hits = [hit(url, LATER + number * timedelta(minutes=1)) for number, url in enumerate(URLS)]
    failed: list[Exception] = []

    def again() -> None:
        for _ in range(10):
            try:
                write(runtime, *hits)
            except Exception as error:  # noqa: BLE001 - told below
                failed.append(error)

    writers = [Thread(target=again) for _ in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert failed == []
    assert held(runtime) == {(jane.message, url, True, False) for url in URLS}


def test_who_is_erased_meanwhile_is_no_error(runtime: Runtime, hit: Callable[..., Hit], jane: Mailed) -> None:
    hits = [hit(ONE), hit(TWO, 2 * LATER)]
    failed: list[Exception] = []

    def again() -> None:
        for _ in range(20):
            try:
                write(runtime, *hits)
            except Exception as error:  # noqa: BLE001 - told below
                failed.append(error)

    writers = [Thread(target=again) for _ in range(2)]
    for one in writers:
        one.start()
    with runtime.database.transaction() as session:
        journey.erase(session, runtime, session.get_one(Subscriber, jane.subscriber), runtime.clock.now())
    for one in writers:
        one.join()
    assert failed == [] and held(runtime) == set()
