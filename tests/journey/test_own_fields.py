"""What a form's sender types into the owner's fields: it waits for the press of whose address it is."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import data_export, journey
from newsletter.clock import FixedClock
from newsletter.journey import SignUp
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Field, Subscriber, TypedValue, all_fields, read_address, set_values, values_of
from tests.conftest import NOON
from tests.journey.conftest import FIFTY, JANE, Street

CITY, SIZE = 1, 2


@pytest.fixture(autouse=True)
def fields(runtime: Runtime) -> None:
    """A town and a size."""
    with runtime.database.transaction() as session:
        session.add_all([
            Field(id=CITY, key="city", label="Town", created_at=NOON),
            Field(id=SIZE, key="size", label="Size", created_at=NOON),
        ])  # fmt: skip


def typed(street: Street, values: Mapping[int, str], guide: str | None = FIFTY, email: str = JANE) -> None:
    """Anybody sends a form with these answers."""
    rt = street.runtime
    with rt.database.transaction() as session:
        form = SignUp(read_address(email), guide, guide is None, "Yes, please.", "", "/", "box", fields=values)
        journey.subscribe(session, rt, form, rt.clock.now())


def held(street: Street, email: str = JANE) -> dict[int, str]:
    """What is held of this person."""
    with street.runtime.database.reading() as session:
        return values_of(session, street.person(email).id)


def waiting(street: Street) -> int:
    """How many values wait for a press."""
    with street.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(TypedValue)) or 0


def test_what_is_typed_is_held_from_the_press_on(street: Street) -> None:
    typed(street, {CITY: "Leeds", SIZE: "42"})
    assert held(street) == {} and waiting(street) == 2
    street.press_newest()
    assert held(street) == {CITY: "Leeds", SIZE: "42"} and waiting(street) == 0


def test_no_mail_before_the_press_has_a_word_of_it(street: Street, sent: SentList) -> None:
    typed(street, {CITY: "https://evil.example/now"})
    street.runtime.delivery.run(Lane.TRANSACTIONAL)
    assert len(sent.envelopes) == 1 and b"evil" not in sent.envelopes[0].data
    with street.runtime.database.reading() as session:
        told = data_export.of(session, session.get_one(Subscriber, street.person().id))
    assert told["fields"] == {} and told["consents"][0]["fields"] == {"city": "https://evil.example/now"}


def test_a_stranger_s_word_changes_nothing_that_a_reader_has(street: Street, person: Callable[..., int]) -> None:
    id = person(JANE)
    with street.runtime.database.transaction() as session:
        set_values(session, id, dict.fromkeys(all_fields(session), "mine"))
    typed(street, {CITY: "theirs"})
    typed(street, {CITY: "theirs too"}, guide=None)
    assert held(street) == {CITY: "mine", SIZE: "mine"}
    street.press_newest()  # Jane's own press, on a page that shows what was typed
    assert held(street) == {CITY: "theirs too", SIZE: "mine"}


def test_a_press_takes_what_its_page_showed_and_no_more(street: Street) -> None:
    """What is typed while the page is open waits for a press of its own."""
    typed(street, {CITY: "Leeds"})
    first = street.consents()[-1].id
    typed(street, {CITY: "Hull", SIZE: "1"}, guide=None)
    street.press(first, upto=first)
    assert held(street) == {CITY: "Leeds"} and waiting(street) == 2
    street.press_newest()
    assert held(street) == {CITY: "Hull", SIZE: "1"} and waiting(street) == 0


def test_a_second_press_brings_no_older_answer_back(street: Street) -> None:
    typed(street, {CITY: "Leeds"})
    street.press_newest()
    with street.runtime.database.transaction() as session:
        set_values(session, street.person().id, dict.fromkeys(all_fields(session), "mine"))
    street.press_newest()
    assert held(street) == {CITY: "mine", SIZE: "mine"}


def test_leaving_lets_go_of_what_waits(street: Street) -> None:
    typed(street, {CITY: "Leeds"})
    street.press_newest()
    typed(street, {CITY: "Hull"})
    street.leave()
    assert waiting(street) == 0 and held(street) == {CITY: "Leeds"}


def test_who_sends_it_once_more_with_another_answer_is_heard(street: Street) -> None:
    typed(street, {CITY: "Leeds"})
    typed(street, {CITY: "Leeds"})
    assert len(street.consents()) == 1
    typed(street, {CITY: "Hull"})
    typed(street, {})
    assert len(street.consents()) == 3
    street.press_newest()
    assert held(street) == {CITY: "Hull"}


def test_a_field_that_was_deleted_while_it_waited_is_no_matter(street: Street) -> None:
    typed(street, {CITY: "Leeds", SIZE: "42"})
    with street.runtime.database.transaction() as session:
        session.delete(session.get_one(Field, CITY))
    street.press_newest()
    assert held(street) == {SIZE: "42"}


def test_erasing_a_person_erases_what_is_held_and_what_waits(street: Street) -> None:
    typed(street, {CITY: "Leeds"})
    street.press_newest()
    typed(street, {SIZE: "42"})
    rt = street.runtime
    with rt.database.transaction() as session:
        journey.erase(session, rt, session.get_one(Subscriber, street.person().id), rt.clock.now())
    with rt.database.reading() as session:
        assert waiting(street) == 0 and values_of(session, 1) == {}


def test_what_got_no_press_is_forgotten_when_its_link_is_over(
    street: Street, clock: FixedClock, person: Callable[..., int]
) -> None:
    person(JANE)
    typed(street, {CITY: "Leeds"})
    for days, left in ((29, 1), (2, 0)):
        clock.forward(timedelta(days=days))
        with street.runtime.database.transaction() as session:
            journey.remind_and_forget(session, street.runtime, clock.now())
        assert waiting(street) == left
    assert len(street.consents()) == 1, "what was agreed to stays on record"
