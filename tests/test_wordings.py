"""Wordings: one row for each text, whoever reads it and however many do so at once, and nothing personal in it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from newsletter.db import Database
from newsletter.events import By, Event, EventKind, Press, note
from newsletter.subscribers import Consent
from newsletter.wordings import Wording, fingerprint, wording_id
from tests.conftest import NOON

ROUNDS = 200


def _all(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Wording.words).order_by(Wording.id)))


def test_a_thousand_consents_and_events_to_the_same_words_point_at_one_row(
    database: Database, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com")
    for _ in range(10):
        with database.transaction() as session:
            for _ in range(100):
                read = wording_id(session, "Yes, please.")
                session.add(Consent(subscriber_id=jane, wording_id=read, given_at=NOON))
                note(session, jane, EventKind.NEWSLETTER_ON, Press(By.MAIL, "Yes, please."), NOON)
    with database.reading() as session:
        for table in (Consent, Event):
            assert session.execute(select(func.count(), func.count(table.wording_id.distinct()))).one() == (1000, 1)
    assert _all(database) == ["Yes, please."]


def test_a_letter_makes_another_wording_with_a_version_of_its_own(database: Database) -> None:
    texts = [
        "",
        "Yes",
        "yes",
        "Yes ",
        "Yes\n",
        "Ja, „bitte“ 🎉",
        "Ye\u0301s",
        "Y\u00e9s",
        "%s {x} 'q' \\ :a",
        "x" * 5000,
    ]
    with database.transaction() as session:
        ids = [wording_id(session, words) for words in texts]
        assert [wording_id(session, words) for words in texts] == ids
    assert _all(database) == texts, "word for word, however long"
    with database.reading() as session:
        versions = list(session.scalars(select(Wording.version).order_by(Wording.id)))
    assert versions == [fingerprint(words) for words in texts] and len(set(versions)) == len(texts)


def test_the_database_refuses_the_same_wording_twice(database: Database) -> None:
    def again() -> Wording:
        return Wording(digest="0" * 64, version="1", words="Yes")

    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add_all([again(), again()])


def test_what_was_taken_back_is_added_again(database: Database) -> None:
    with database.transaction() as session:
        with suppress(KeyError), session.begin_nested():
            wording_id(session, "First")
            raise KeyError
        first, second = wording_id(session, "Second"), wording_id(session, "First")
    with database.reading() as session:
        assert [session.get_one(Wording, id).words for id in (first, second)] == ["Second", "First"]


@pytest.mark.parametrize("texts", [("Same",), ("First", "Second")])
def test_two_transactions_that_add_the_same_words_at_once_get_the_same_row(
    texts: tuple[str, ...], database: Database
) -> None:
    both = Barrier(2)

    def add(number: int) -> list[int]:
        both.wait(60)
        with database.transaction() as session:
            return [wording_id(session, f"{words} {number}") for words in texts]

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            one, other = pool.map(add, [number, number])
            assert one == other
    assert sorted(_all(database)) == sorted(f"{words} {number}" for words in texts for number in range(ROUNDS))


def test_the_second_gets_the_words_in_also_where_the_first_takes_them_back(database: Database) -> None:
    both = Barrier(2)

    def add(number: int, kept: bool) -> int | None:
        both.wait(60)
        try:
            with database.transaction() as session:
                id = wording_id(session, f"Words {number}")
                if not kept:
                    raise KeyError
                return id
        except KeyError:
            return None

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS // 2):
            done = list(pool.map(add, [number, number], [True, False]))
            with database.reading() as session:
                assert session.get_one(Wording, done[0]).words == f"Words {number}"


def test_adding_one_flushes_nothing(database: Database) -> None:
    with database.transaction() as session:
        session.add(Consent(subscriber_id=404, wording_id=404, given_at=NOON))
        assert wording_id(session, "Yes.")
        session.expunge_all()


def test_the_owners_reason_is_no_wording_and_goes_with_the_person(
    database: Database, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com")
    with database.transaction() as session:
        told = note(session, jane, EventKind.LIFTED, Press(By.OWNER, reason="Jane Doe rang."), NOON)
        bare = note(session, jane, EventKind.BOUNCED, Press(By.SERVER), NOON)
        assert (told.reason, told.words, bare.words) == ("Jane Doe rang.", "Jane Doe rang.", "")
    assert _all(database) == []
