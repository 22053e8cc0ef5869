"""The workers' turns: exactly once, whoever is killed, thought dead, stopped or erased in between."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.events import Event, EventKind
from newsletter.imports import Fate, Import, ImportedPerson, ImportState, Work, run
from newsletter.imports.lease import LEASE
from newsletter.imports.mapping import Meaning
from newsletter.imports.record import begin
from newsletter.imports.uploads import Upload, forget_naming
from newsletter.imports.work import GONE_ON
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Status, Subscriber, tags_of
from tests.imports.conftest import ROWS


class Killed(BaseException):
    """What `kill -9` is to a program: nothing behind it runs."""


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH", 10)


def import_of(database: Database, id: int) -> Import:
    """The import as it stands."""
    with database.reading() as session:
        return session.get_one(Import, id)


def counts(database: Database) -> tuple[int, int]:
    """How many people and consents there are."""
    with database.reading() as session:
        people = session.scalar(select(func.count(Subscriber.id))) or 0
        return people, session.scalar(select(func.count(Consent.id))) or 0


def _fates(database: Database, id: int) -> dict[Fate, int]:
    report = import_of(database, id).told
    return dict(report.fates) if report else {}


def test_one_turn_does_it_all_and_nothing_waits_then(work: Work, ready: Callable[..., int], database: Database) -> None:
    id = ready("email\n" + "".join(f"p{n}@example.com\n" for n in range(ROWS)) + "nobody\n")
    assert work.turn() and not work.turn()
    it = import_of(database, id)
    assert (it.state, it.octets, it.lease_token) == (ImportState.DONE, it.size, None)
    assert _fates(database, id) == {Fate.ADDED: ROWS, Fate.REFUSED: 1}
    upload = Upload(work.uploads, it.token or "")
    assert not upload.is_here and len(upload.errors.read_text().splitlines()) == 2


@pytest.mark.parametrize("batch", [0, 1, 2])
@pytest.mark.parametrize("moment", ["before the commit", "behind it"])
def test_killed_at_any_batch_another_goes_on_and_all_are_told_once(
    batch: int, moment: str, work: Work, ready: Callable[..., int], database: Database, clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    text = "email\n" + "".join(f"p{n}@example.com\nbad{n}\n" for n in range(ROWS))
    id = ready(text, tags=("desk",))
    monkeypatch.setattr(run, "BATCH", 17)
    name = "keep" if moment == "before the commit" else "progress"
    real, seen = getattr(run.Run, "through"), [0]  # noqa: B009

    def killing(self: run.Run, file: io.BytesIO) -> object:
        before = getattr(self, name)

        def die(*args: object) -> None:
            before(*args)
            seen[0] += 1
            if seen[0] == batch + (1 if name == "keep" else 2):
                raise Killed

        setattr(self, name, die)
        return real(self, file)

    monkeypatch.setattr(run.Run, "through", killing)
    with pytest.raises(Killed):
        work.turn()
    monkeypatch.setattr(run.Run, "through", real)
    assert not work.turn()  # its lease is still believed
    clock.forward(LEASE + timedelta(seconds=1))
    assert work.turn()
    assert import_of(database, id).state is ImportState.DONE
    assert _fates(database, id) == {Fate.ADDED: ROWS, Fate.REFUSED: ROWS}
    assert counts(database) == (ROWS, ROWS)
    errors = Upload(work.uploads, import_of(database, id).token or "").errors.read_text().splitlines()
    assert [line.split(",")[0] for line in errors] == ["line", *[str(3 + 2 * n) for n in range(ROWS)]]


def test_a_worker_that_was_thought_dead_writes_nothing_more(
    work: Work, ready: Callable[..., int], database: Database, clock: FixedClock
) -> None:
    id, other = ready(), Work(database=work.database, uploads=work.uploads, secrets=work.secrets, clock=work.clock)
    turned = []

    def frozen() -> bool:
        if not turned:
            clock.forward(LEASE + timedelta(seconds=1))
            turned.append(other.turn())
        return False

    slow = Work(database=work.database, uploads=work.uploads, secrets=work.secrets, clock=work.clock, is_late=frozen)
    assert slow.turn() and turned == [True]
    assert _fates(database, id) == {Fate.ADDED: ROWS} and counts(database) == (ROWS, ROWS)


def test_stopped_between_two_batches_it_stands_and_goes_on_from_there(
    work: Work, ready: Callable[..., int], database: Database, clock: FixedClock
) -> None:
    id = ready()

    def pressed() -> bool:
        if counts(database)[0] == 10:
            with database.transaction() as session:
                it = session.get_one(Import, id, with_for_update=True)
                if it.state is ImportState.RUNNING:
                    it.stop(clock.now())
        return False

    Work(database=work.database, uploads=work.uploads, secrets=work.secrets, clock=work.clock, is_late=pressed).turn()
    assert import_of(database, id).state is ImportState.STOPPED and not work.turn()
    assert 10 <= counts(database)[0] < ROWS
    with database.transaction() as session:
        session.get_one(Import, id, with_for_update=True).go_on(clock.now())
    assert work.turn() and _fates(database, id) == {Fate.ADDED: ROWS}
    assert counts(database) == (ROWS, ROWS)


def test_a_slice_that_is_over_ends_behind_its_batch(work: Work, ready: Callable[..., int], database: Database) -> None:
    id = ready()
    hurried = Work(database=work.database, uploads=work.uploads, secrets=work.secrets, clock=work.clock)
    hurried.is_over = lambda: True  # type: ignore[method-assign]
    turns = 0
    while hurried.turn():
        turns += 1
        assert turns <= 4, "a batch a turn, and one to find the end"
    assert turns > 2 and import_of(database, id).state is ImportState.DONE
    assert _fates(database, id) == {Fate.ADDED: ROWS}


def test_who_is_to_leave_does_so_once_also_when_the_worker_died_in_between(
    work: Work, ready: Callable[..., int], database: Database, clock: FixedClock, person: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ids = [person(f"p{n}@example.com") for n in range(3)]
    clock.forward(timedelta(days=1))
    with database.transaction() as session:
        for one in session.scalars(select(Consent)):
            session.delete(one)
    text = "email,status\np0@example.com,unsubscribed\np1@example.com,unsubscribed\np2@example.com,cleaned\n"
    id = ready(text, status=True)
    real, seen = journey.unsubscribe, []

    def dying(*args: object, **more: object) -> bool:
        seen.append(1)
        if len(seen) == 2:
            raise Killed
        return real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(journey, "unsubscribe", dying)
    with pytest.raises(Killed):
        work.turn()
    clock.forward(LEASE + timedelta(seconds=1))
    assert work.turn()
    with database.reading() as session:
        stand = {one.id: one.status for one in session.scalars(select(Subscriber))}
        assert stand == dict(zip(ids, [Status.UNSUBSCRIBED, Status.UNSUBSCRIBED, Status.BOUNCED], strict=True))
        left = session.scalars(select(Event.subscriber_id).where(Event.kind == EventKind.LEFT)).all()
        assert sorted(left) == ids
        assert session.scalar(select(func.count()).where(ImportedPerson.ending)) == 0
    assert _fates(database, id) == {Fate.LEFT: 2, Fate.BOUNCED: 1}


def test_the_tags_for_all_go_to_readers_who_were_here_too_and_to_nobody_who_is_gone(
    work: Work, ready: Callable[..., int], database: Database, person: Callable[..., int]
) -> None:
    known = person("known@example.com")
    with database.transaction() as session:
        session.get_one(Subscriber, person("gone@example.com")).unsubscribe(work.clock())
    ready("email,status\nknown@example.com,active\ngone@example.com,active\nnew@example.com,active\n"
          "left@example.com,unsubscribed\nknown@example.com,active\n", status=True, tags=("desk", "2025"))  # fmt: skip
    assert work.turn()
    with database.reading() as session:
        look = select(Subscriber.email, ImportedPerson.before).join(ImportedPerson)
        noted = dict(session.execute(look).all())
        assert set(noted) == {"known@example.com", "new@example.com", "left@example.com"}
        assert len((noted["known@example.com"] or {})["tags"]) == 2
        assert tags_of(session, known) == ["2025", "desk"]
    assert import_of(database, 1).report["tags"] == 4


def test_a_file_that_is_gone_is_told_and_waits_for_other_hosts_first(
    work: Work, ready: Callable[..., int], database: Database, clock: FixedClock
) -> None:
    id = ready()
    forget_naming(work.uploads, "p3@EXAMPLE.com")
    assert not work.turn() and import_of(database, id).state is ImportState.RUNNING
    clock.forward(timedelta(minutes=3))
    assert work.turn()
    it = import_of(database, id)
    assert (it.state, it.problem) == (ImportState.STOPPED, GONE_ON)


def test_an_erased_address_is_in_no_import_any_more(runtime: Runtime, clock: FixedClock) -> None:
    with runtime.database.transaction() as session:
        it = begin(session, "jane@example.com.csv", clock.now(), ImportState.ASKING)
        it.problem, it.seen = "Line 3: “Jane@example.com” is no status", {"unknown": [["jane@example.com", "s", 3, 1]]}
        it.answers = {"jane@example.com": "LEFT"}
        it.meanings = [{"what": "new:choice", "choices": ["jane@example.com", "x"]}]
        it.tags, it.sheet, it.sheets = ["Jane@example.com"], "jane@example.com", [{"name": "jane@example.com"}]
        it.report = {"reading": {"unused": ["jane@example.com"]}}
    runtime.forget_traces("jane@example.com")
    with runtime.database.reading() as session:
        held = session.get_one(Import, it.id)
        every = {column.name: getattr(held, column.name) for column in Import.__table__.columns}
        assert "jane" not in str(every).lower()


def test_somebody_erased_while_it_runs_stands_in_no_file_behind_it(
    work: Work, ready: Callable[..., int], database: Database, clock: FixedClock
) -> None:
    id = ready("email\n" + "".join(f"p{n}@example.com\nbad{n}\n" for n in range(ROWS)))
    seen: list[int] = []

    def erasing() -> bool:
        if not seen:
            forget_naming(work.uploads, "bad24")
        seen.append(1)
        return False

    during = Work(database=work.database, uploads=work.uploads, secrets=work.secrets, clock=work.clock, is_late=erasing)
    assert during.turn() and len(seen) == 1
    (work.uploads / f"{import_of(database, id).token}.errors.csv").write_text("of a batch that was under way: bad24")
    clock.forward(timedelta(minutes=3))
    work.go_on(1)
    assert import_of(database, id).state is ImportState.STOPPED and [*work.uploads.iterdir()] == []


def test_the_tick_goes_on_until_nothing_waits(runtime: Runtime, clock: FixedClock) -> None:
    upload = Upload.keep(runtime.uploads, io.BytesIO(b"email\na@example.com\n"))
    with runtime.database.transaction() as session:
        it = begin(session, "a.csv", clock.now(), ImportState.SURVEYING, token=upload.token, size=upload.size)
        it.meanings = [Meaning("email").as_json()]
    runtime.go_on_with_imports(lambda: False)
    with runtime.database.reading() as session:
        assert session.get_one(Import, it.id).state is ImportState.ASKING
