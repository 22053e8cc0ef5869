"""Migration 0160: each text becomes one row, and nothing that points at it loses a letter, there and back."""

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from newsletter import journey, schema
from newsletter.db import Database
from newsletter.events import By, Event, EventKind, Press, WhyLeft, note
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    AddressChange,
    Basis,
    Consent,
    ConsentTopic,
    Field,
    Subscriber,
    TypedValue,
    read_address,
)
from newsletter.supervisor.alone import StartError
from newsletter.supervisor.prepare import prepare
from newsletter.wordings import Wording, fingerprint, wording_id
from tests.conftest import NOON
from tests.test_migrations import back_to

ODD = ("", "Yes.", "yes.", "“Ja” – 100 % {x} '' \\ \" :a; -- $1 €🎉", "Two\nlines ", "y" * 1000)
OLD = "2026-11"
KINDS = [kind for kind in EventKind if kind not in (EventKind.DIGEST_ON, EventKind.DIGEST_OFF)]
"""Those that 0160 knew: going back to it deletes the others."""
Row = tuple[object, ...]


def _rows(database: Database, look: str) -> Sequence[Row]:
    with database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(look))]


def told(database: Database) -> dict[str, Sequence[Row]]:
    """What an earlier version reads."""
    return {
        "consents": _rows(
            database, "SELECT id, subscriber_id, wording, version, form, basis FROM consents ORDER BY id"
        ),
        "events": _rows(database, "SELECT id, subscriber_id, kind, page, words FROM events ORDER BY id"),
        "changes": _rows(database, "SELECT id, subscriber_id, words FROM address_changes ORDER BY id"),
        "topics": _rows(database, "SELECT consent_id, topic_id FROM consent_topics ORDER BY 1, 2"),
        "typed": _rows(database, "SELECT consent_id, value FROM typed_values ORDER BY 1"),
    }


def live(runtime: Runtime, person: Callable[..., int]) -> list[int]:
    """Two readers with consents to every text and events of every kind, and what hangs on a consent."""
    people = [person("jane@example.com", "Jane"), person("joe@example.com")]
    with runtime.database.transaction() as session:
        for number, words in enumerate(ODD * 3):
            session.add(Consent(subscriber_id=people[number % 2], wording_id=wording_id(session, words), form="box",
                                given_at=NOON, confirmed_at=NOON, basis=Basis.MAIL))  # fmt: skip
        for number, kind in enumerate(KINDS):
            press = Press(By.MAIL, ODD[number % len(ODD)], "/page")
            if kind is EventKind.LIFTED:
                press = Press(By.OWNER, reason="Jane's husband said: “Yes.”")
            why = WhyLeft.OTHER if kind is EventKind.SAID_WHY else None
            note(session, people[number % 2], kind, press, NOON, why=why)
        note(session, people[0], EventKind.LIFTED, Press(By.OWNER, reason="Yes."), NOON)
        note(session, people[0], EventKind.LEFT, Press(By.OWNER, "Unsubscribed by the owner."), NOON)
        assert journey.ask_move(session, runtime, session.get_one(Subscriber, people[0]),
                                read_address("new@example.com"), Press(By.PAGE, "Move me."), NOON)  # fmt: skip
        session.add(AddressChange(subscriber_id=people[1], asked_at=NOON, ended_at=NOON))
        field = Field(key="city", label="Town", created_at=NOON)
        session.add(field)
        session.flush()
        session.add(TypedValue(consent_id=1, field_id=field.id, value="Hull"))
        session.add(ConsentTopic(consent_id=2, topic_id=1))
    return people


def older(database: Database) -> None:
    """As 0110 had it: a version raised by hand, and once another for the same words."""
    back_to("0110", database)
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE consents SET version = '{OLD}'"))
        connection.execute(text("UPDATE consents SET version = 'it''s 1%' WHERE id = 2"))


def test_no_row_loses_a_letter_there_and_back(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    live(runtime, person)
    older(database)
    before = told(database)
    assert [row[2] for row in before["consents"]] == [*ODD * 3] and len(before["events"]) == len(KINDS) + 2
    assert (len(before["topics"]), len(before["typed"])) == (1, 1)
    for _ in range(2):
        schema.upgrade(database)
        assert len(_rows(database, "SELECT id FROM wordings")) == len(ODD) + 1 + 2, "with the version, owner's, move"
        with database.reading() as session:
            reasons = session.scalars(select(Event.reason).where(Event.reason != "").order_by(Event.id)).all()
            assert reasons == ["Jane's husband said: “Yes.”", "Yes."]
            words = session.scalars(select(Wording.words)).all()
            assert not any("husband" in one for one in words)
            read = session.execute(select(Consent.id, Wording.words, Wording.version).join(Wording)).all()
            assert sorted(map(tuple, read)) == [(row[0], row[2], row[3]) for row in before["consents"]]
            events = session.scalars(select(Event).order_by(Event.id)).all()
            assert [one.words for one in events] == [row[4] for row in before["events"]]
            owners = [one.wording.version for one in events if one.by is By.OWNER and one.wording]
            assert owners == [fingerprint("Unsubscribed by the owner.")]
            assert [one.words for one in session.scalars(select(AddressChange).order_by(AddressChange.id))] == [
                "Move me.", "",
            ]  # fmt: skip
        back_to("0110", database)
        assert told(database) == before


def test_new_words_go_on_from_there_and_old_ones_are_the_same_row(runtime: Runtime, person: Callable[..., int]) -> None:
    database, (jane, _) = runtime.database, live(runtime, person)
    older(database)
    last = _rows(database, "SELECT max(id) FROM consents")[0][0]
    with database.engine.begin() as connection:
        connection.execute(text(f"DELETE FROM consents WHERE id = {last}"))
    schema.upgrade(database)
    with database.transaction() as session:
        known = len(session.scalars(select(Wording.id)).all())
        consent = Consent(subscriber_id=jane, wording_id=wording_id(session, "Two\nlines "), given_at=NOON)
        other = Consent(subscriber_id=jane, wording_id=wording_id(session, "Never seen."), given_at=NOON)
        session.add_all([consent, other])
        session.flush()
        assert (consent.wording.version, other.wording.version) == (OLD, fingerprint("Never seen."))
        assert len(session.scalars(select(Wording.id)).all()) == known + 1
        assert consent.id > last, "no number comes twice, for links name them"


@pytest.mark.parametrize("wording", ["NULL", "404"])
def test_no_consent_is_without_a_wording(wording: str, runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    live(runtime, person)
    older(database)
    schema.upgrade(database)
    database.dispose()
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text(f"UPDATE consents SET wording_id = {wording} WHERE id = 1"))
    if database.is_sqlite:
        assert (
            _rows(database, "PRAGMA integrity_check") == [("ok",)] and _rows(database, "PRAGMA foreign_key_check") == []
        )


def test_an_empty_database_goes_down_and_up(database: Database) -> None:
    back_to("0110", database)
    schema.upgrade(database)
    assert _rows(database, "SELECT * FROM wordings") == []


def test_who_holds_the_tables_stops_the_migration_and_the_operator_is_told(
    runtime: Runtime, person: Callable[..., int], database_url: str
) -> None:
    database = runtime.database
    if database.is_sqlite:
        pytest.skip("SQLite has one writer, who waits anyway")
    live(runtime, person)
    older(database)
    before = told(database)
    with database.reading() as session:
        session.execute(text("SELECT 1 FROM consents LIMIT 1"))
        with pytest.raises(StartError, match="nothing has changed"):
            prepare(runtime.settings.model_copy(update={"database_url": database_url}))
    assert told(database) == before
    schema.upgrade(database)
