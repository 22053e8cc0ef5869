"""Undoing an import: whom it takes back, who stays, and that the count before says the same as what is done."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.imports import Import, ImportedPerson, ImportState, Work, import_csv, undo
from newsletter.imports.mapping import Meaning
from newsletter.imports.run import Order
from newsletter.imports.undo import Prospect, prospect
from newsletter.mail import ledger
from newsletter.runtime import Runtime
from newsletter.subscribers import (
    Consent,
    Field,
    Status,
    Stream,
    Subscriber,
    Suppression,
    SuppressionReason,
    read_address,
    tags_of,
)
from newsletter.subscribers.subscriber import find
from tests.imports.conftest import BASIS

FILE = (
    "email,status,size\nnew@example.com,active,4\npressed@example.com,active,4\nwritten@example.com,active,4\n"
    "moved@example.com,active,\nasked@example.com,pending,\nleft@example.com,unsubscribed,\n"
    "blocked@example.com,blocked,\nbounced@example.com,bounced,\nknown@example.com,active,9\npending@example.com,active,\n"
    "goes@example.com,unsubscribed,\n"
)
COLUMNS = [Meaning("email"), Meaning("status"), Meaning("new:number", "Size")]


@pytest.fixture
def done(runtime: Runtime, clock: FixedClock, person: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> int:
    """The import's number; since, one has pressed, one was written to and one has moved."""
    monkeypatch.setattr(undo, "AT_ONCE", 3)
    for email in ("known@example.com", "goes@example.com"):
        person(email)
    person("pending@example.com", confirmed=False)
    with runtime.database.transaction() as session:
        for consent in session.scalars(select(Consent)):
            session.delete(consent)
    clock.forward(timedelta(days=1))
    order = Order(basis=BASIS, meanings=COLUMNS, tags=["desk"])
    import_csv(runtime.database, io.BytesIO(FILE.encode()), BASIS, runtime.secrets, clock.now(), order=order)
    clock.forward(timedelta(hours=1))
    with runtime.database.transaction() as session:
        pressed, written, moved = (find(session, read_address(f"{name}@example.com")) for name in
                                   ("pressed", "written", "moved"))  # fmt: skip
        assert pressed and written and moved
        journey.unsubscribe(session, pressed, clock.now(), goodbye=False, press=Press(By.MAIL))
        ledger.queue(session, written, Stream.GUIDE, "guide:x:1", clock.now(), context={})
        moved.move(read_address("other@example.com"), clock.now())
        return session.scalars(select(Import.id)).one()


def _people(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {one.email.partition("@")[0]: str(one.status) for one in session.scalars(select(Subscriber))}


def _undo(runtime: Runtime, clock: FixedClock, id: int, tmp_path: Path, *, forgets_gone: bool = False) -> Import:
    with runtime.database.transaction() as session:
        session.get_one(Import, id).undo(clock.now(), forgets_gone=forgets_gone)
    work = Work(database=runtime.database, uploads=tmp_path, secrets=runtime.secrets, clock=clock.now)
    assert work.turn() and not work.turn()
    with runtime.database.reading() as session:
        it = session.get_one(Import, id)
        assert it.state is ImportState.UNDONE
        assert session.scalar(select(func.count()).select_from(ImportedPerson)) == 0
        return it


STAYS = {
    "known": "confirmed", "pending": "pending", "goes": "unsubscribed", "pressed": "unsubscribed",
    "written": "confirmed", "other": "confirmed",
}  # fmt: skip
WOULD = Prospect(deleted=2, pending_again=1, untagged=1, kept=3, gone=3, ended=1)


def test_the_count_before_says_what_is_done_and_who_acted_stays(
    done: int, runtime: Runtime, clock: FixedClock, tmp_path: Path
) -> None:
    with runtime.database.reading() as session:
        assert prospect(session, session.get_one(Import, done)) == WOULD
    it = _undo(runtime, clock, done, tmp_path)
    assert _people(runtime) == STAYS | {"left": "unsubscribed", "blocked": "unsubscribed", "bounced": "bounced"}
    assert it.undone == {"deleted": 2, "pending_again": 1, "untagged": 1, "kept": 3, "gone": 3, "ended": 1}


def test_who_came_in_as_gone_is_forgotten_only_where_that_is_wanted(
    done: int, runtime: Runtime, clock: FixedClock, tmp_path: Path
) -> None:
    with runtime.database.transaction() as session:
        session.add(Suppression(address_hash="f" * 64, reason=SuppressionReason.OWNER, created_at=clock.now()))
    _undo(runtime, clock, done, tmp_path, forgets_gone=True)
    assert _people(runtime) == STAYS
    with runtime.database.reading() as session:
        assert session.scalars(select(Suppression.address_hash)).all() == ["f" * 64]


def test_tags_fields_and_consents_are_as_they_were(
    done: int, runtime: Runtime, clock: FixedClock, tmp_path: Path
) -> None:
    with runtime.database.reading() as session:
        known = find(session, read_address("known@example.com"))
        assert known and tags_of(session, known.id) == ["desk"]
        assert session.scalars(select(Field.key)).all() == ["size"]
    _undo(runtime, clock, done, tmp_path)
    with runtime.database.reading() as session:
        pending = find(session, read_address("pending@example.com"))
        assert tags_of(session, known.id) == [] and pending and tags_of(session, pending.id) == []
        assert (pending.status, pending.confirmed_at) == (Status.PENDING, None)
        assert session.scalars(select(Consent).where(Consent.subscriber_id == pending.id)).all() == []
        assert session.scalars(select(Field.key)).all() == ["size"]  # those who stay have a value in it


def test_a_field_that_nothing_is_held_in_goes_with_it(runtime: Runtime, clock: FixedClock, tmp_path: Path) -> None:
    order = Order(basis=BASIS, meanings=COLUMNS)
    text = b"email,status,size\nnew@example.com,active,4\n"
    import_csv(runtime.database, io.BytesIO(text), BASIS, runtime.secrets, clock.now(), order=order)
    clock.forward(timedelta(minutes=1))
    _undo(runtime, clock, 1, tmp_path)
    with runtime.database.reading() as session:
        assert session.scalars(select(Field)).all() == [] and session.scalars(select(Subscriber)).all() == []


def test_the_same_list_can_come_in_again(done: int, runtime: Runtime, clock: FixedClock, tmp_path: Path) -> None:
    _undo(runtime, clock, done, tmp_path, forgets_gone=True)
    text = FILE.replace("unsubscribed", "active").replace("bounced,\n", "active,\n")
    report = import_csv(runtime.database, io.BytesIO(text.encode()), BASIS, runtime.secrets, clock.now())
    assert {"new", "left", "bounced", "asked"} < _people(runtime).keys()
    assert _people(runtime)["left"] == "confirmed" and _people(runtime)["goes"] == "unsubscribed"
    assert report.fates["suppressed"] == 2  # type: ignore[index]


@pytest.mark.parametrize("word", ["unsubscribed", "blocked", "bounced", "complained"])
def test_whom_another_list_calls_gone_too_is_not_forgotten(
    runtime: Runtime, clock: FixedClock, tmp_path: Path, word: str
) -> None:
    for _ in range(2):
        text = f"email,status\ngone@example.com,{word}\n".encode()
        import_csv(runtime.database, io.BytesIO(text), BASIS, runtime.secrets, clock.now())
        clock.forward(timedelta(minutes=1))
    with runtime.database.reading() as session:
        first, second = session.scalars(select(Import).order_by(Import.id))
        kept_out = len(session.scalars(select(Suppression)).all())
        assert (prospect(session, first).kept, prospect(session, second).ended) == (1, 1)
    for id in (first.id, second.id):
        with runtime.database.transaction() as session:
            session.get_one(Import, id).undo(clock.now(), forgets_gone=True)
        Work(database=runtime.database, uploads=tmp_path, secrets=runtime.secrets, clock=clock.now).go_on(5)
    with runtime.database.reading() as session:
        assert [one.email for one in session.scalars(select(Subscriber))] == ["gone@example.com"]
        assert len(session.scalars(select(Suppression)).all()) == kept_out == (word == "blocked")
