"""Lets a worker process imports: the next step of the one that has waited longest, within a time slice."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from errno import ENOSPC
from math import inf
from pathlib import Path

import structlog
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.orm import Session

from newsletter import accounts
from newsletter.db import Database, holds
from newsletter.imports import workbook
from newsletter.imports.errors import ErrorsFile
from newsletter.imports.lease import LeaseLost, claim, is_waiting, release, renew
from newsletter.imports.mapping import BadMapping
from newsletter.imports.record import Import, ImportState
from newsletter.imports.report import BadFile, Report
from newsletter.imports.run import LeftOut, Order, Run
from newsletter.imports.sentences import summary
from newsletter.imports.source import Source
from newsletter.imports.survey import survey
from newsletter.imports.undo import undo_some
from newsletter.imports.uploads import Upload, tokens_in
from newsletter.languages import Languages, marked, said
from newsletter.subscribers import all_fields

SLICE = 15.0
"""Seconds a worker spends here before it turns to other tasks."""
PAUSE, REST = 0.03, 0.3
"""Seconds between batches: on SQLite, and while pages are slow (about as long as a batch)."""
GONE = marked("The file is not here any more: somebody in it was erased, or it waited for more than a day. Please "
              "choose it again.")  # fmt: skip
GONE_ON = marked("The file is not here any more, so this cannot go on. Import it anew: nobody is doubled.")
NO_ROOM = marked(
    "The server's disk is full. Whoever runs it finds more in its log. What is in stays, and you can try again "
    "from here."
)
Clock = Callable[[], datetime]
log = structlog.get_logger()


class _Interrupted(Exception):
    """The time slice is over, or the owner stopped the import."""


@dataclass
class Work:
    """A worker's context. `secrets`: the secret keys, current one first. `stopping`: whether the worker should exit.
    `is_late`: whether this host's pages are currently slow."""

    database: Database
    uploads: Path
    secrets: Sequence[bytes]
    clock: Clock
    stopping: Callable[[], bool] = lambda: False
    is_late: Callable[[], bool] = lambda: False
    languages: Languages = field(default_factory=Languages)
    _seconds: float = inf
    _until: float = inf

    def go_on(self, seconds: float) -> None:
        """Process open imports for about this long."""
        self._seconds, self._until = seconds, time.monotonic() + seconds
        while not self.is_over() and self.turn():
            pass

    def is_over(self) -> bool:
        """Whether the time slice is over, or the worker should exit."""
        return self.stopping() or time.monotonic() > self._until

    def pause(self) -> None:
        """Pause between batches: pages take precedence, and others need SQLite's single write lock."""
        if self.is_late():
            time.sleep(REST)
        elif self.database.is_sqlite:
            time.sleep(PAUSE)

    def turn(self) -> bool:
        """Do the next step of an open import; False if there is none."""
        with self.database.reading() as session:
            if not holds(session, is_waiting(self.clock())):
                return False
        with self.database.transaction() as session:
            if (claimed := claim(session, self.clock(), tokens_in(self.uploads))) is None:
                return False
        it, lease = claimed
        turn = _Step(self, it, lease)
        try:
            self._release(it, lease, turn.taken())
        except LeaseLost:
            pass
        except (OperationalError, InterfaceError, InternalError):
            raise  # a database failure: retried when the lease expires
        except Exception as error:
            log.error("an import cannot go on", number=it.id, exc_info=error)
            self._release(it, lease, turn.broken(error))
        return True

    def _release(self, it: Import, lease: str, change: "Change") -> None:
        with self.database.transaction() as session:
            if (found := release(session, it.id, lease)) is not None:
                change(session, found)

    def begin_to_write(self) -> None:
        """Restart the time slice: the first pass over a long file may have used all of it."""
        self._until = time.monotonic() + self._seconds


Change = Callable[[Session, Import], None]


def _unchanged(session: Session, it: Import) -> None:
    """Leave the import as it is; another turn continues it."""


class _Step:
    """One step of one claimed import."""

    def __init__(self, work: Work, it: Import, lease: str) -> None:
        self._work, self._it, self._lease = work, it, lease
        self._upload = Upload(work.uploads, it.token or "")
        self._errors = ErrorsFile(self._upload.errors, it.left_out)
        self._has_begun = False

    def taken(self) -> Change:
        """Do the step; returns the change to write when the lease is released. Raises LeaseLost."""
        steps = {
            ImportState.READING: self._read, ImportState.SURVEYING: self._survey, ImportState.CHECKING: self._check,
            ImportState.RUNNING: self._run, ImportState.UNDOING: self._undo,
        }  # fmt: skip
        state = self._it.state
        if state is not ImportState.UNDOING and not self._upload.is_here:
            return self._file_is_missing
        try:
            return steps[state]()
        except _Interrupted:
            return _unchanged
        except BadFile as error:
            return self._failed(error, state)

    def _file_is_missing(self, session: Session, it: Import) -> None:
        now = self._work.clock()
        if it.state is ImportState.RUNNING:
            it.fail(now, GONE_ON, ImportState.STOPPED)
            it.finished_at = now
        elif it.is_working:
            it.fail(now, GONE, ImportState.UNUSABLE)
        self._upload.forget()  # a batch in progress may have written the erased address to the errors file again

    def broken(self, error: Exception) -> Change:
        """The change after an unexpected error: stop, and tell the owner."""
        full = isinstance(error, OSError) and error.errno == ENOSPC
        told = NO_ROOM if full else said(
            "Something went wrong on the server (%(error)s). Whoever runs it finds more in its log. What is in stays, "
            "and you can try again from here.", error=type(error).__name__,
        )  # fmt: skip
        return self._failed(BadFile(told), self._it.state)

    def _failed(self, error: BadFile, state: ImportState) -> Change:
        place = error.place if isinstance(error, BadMapping) else None
        after = {
            ImportState.READING: ImportState.UNUSABLE, ImportState.RUNNING: ImportState.STOPPED,
            ImportState.UNDOING: ImportState.STOPPED,
        }  # fmt: skip

        def told(session: Session, it: Import) -> None:
            if it.state is state:
                it.fail(self._work.clock(), str(error), after.get(state, ImportState.MAPPING), place)
                it.finished_at = self._work.clock() if it.state is ImportState.STOPPED else None

        return told

    def _read(self) -> Change:
        """Convert a sheet of the workbook to CSV: the chosen one, else the first visible one."""
        sheets = workbook.sheets_of(self._upload.book)
        chosen = self._it.sheet or next((one.name for one in sheets if not one.hidden), sheets[0].name)
        half, problem, hidden = self._upload.half(self._lease), "", 0
        half.touch(0o600)
        try:
            hidden = workbook.to_csv(self._upload.book, half, chosen, visible_only=self._it.visible_only).hidden
        except BadFile as error:
            if len(sheets) == 1:
                half.unlink()
                raise
            half.write_bytes(b"")  # the owner can choose another sheet
            problem = str(error)
        half.replace(self._upload.rows)
        listed = [{"name": one.name, "hidden": one.hidden} for one in sheets]

        def found(session: Session, it: Import) -> None:
            if it.state is ImportState.READING:
                it.fail(self._work.clock(), problem, ImportState.MAPPING)
                it.size, it.sheets, it.sheet, it.hidden, it.meanings = self._upload.size, listed, chosen, hidden, []

        return found

    def _survey(self) -> Change:
        """Count the standings, and list unknown statuses."""
        with self._upload.rows.open("rb") as file, self._work.database.reading() as session:
            plan = survey(Source(file), self._it.name, all_fields(session), meanings=self._it.columns,
                          answers=self._it.standings, asking=True, headed=self._it.headed)  # fmt: skip
        told = {
            "standings": {standing.name: many for standing, many in plan.standings.items()},
            "unknown": [[one.word, one.column, one.line, one.rows] for one in plan.unknown],
        }

        def found(session: Session, it: Import) -> None:
            if it.state is ImportState.SURVEYING:
                it.state, it.touched_at, it.seen = ImportState.ASKING, self._work.clock(), told
                it.meanings = [
                    {**one, "choices": list(plan.choices.get(place, ()))} for place, one in enumerate(it.meanings)
                ]

        return found

    def _check(self) -> Change:
        """The dry run, always from the beginning, because it remembers in memory whom it would have added."""
        self._upload.errors.unlink(missing_ok=True)
        self._errors = ErrorsFile(self._upload.errors)
        report = self._through(None, None)

        def checked(session: Session, it: Import) -> None:
            if it.state is ImportState.CHECKING:
                it.state, it.touched_at = ImportState.READY, self._work.clock()
                it.report, it.octets = report.as_json(), it.size

        return checked

    def _run(self) -> Change:
        if not self._it.octets:
            self._upload.errors.unlink(missing_ok=True)  # left by the dry run
        report = self._through(self._it.id, self._it.told if self._it.octets else None)

        def done(session: Session, it: Import) -> None:
            now = self._work.clock()
            it.state, it.touched_at, it.finished_at = ImportState.DONE, now, now
            it.report, it.octets, it.seen = report.as_json(), it.size, {}
            _note(session, it, now)
            self._upload.forget_list()

        return done

    def _through(self, import_id: int | None, behind: Report | None) -> Report:
        it, work = self._it, self._work
        run = Run(
            database=work.database, order=Order.of(it), secrets=work.secrets, now=it.started_at or work.clock(),
            import_id=import_id, progress=self._between, keep=self._keep, behind=behind, languages=work.languages,
        )  # fmt: skip
        with self._upload.rows.open("rb") as file:
            return run.through(file)

    def _keep(self, session: Session, report: Report, octets: int, left_out: Sequence[LeftOut]) -> None:
        """Record the progress within the batch's transaction, so that both commit or neither."""
        length = self._errors.add(left_out)
        if not report.dry_run:
            renew(session, self._it.id, self._lease, self._work.clock(), report=report.as_json(), octets=octets,
                  left_out=length)  # fmt: skip

    def _between(self, report: Report, octets: int) -> None:
        self._errors.settle()
        with self._work.database.transaction() as session:
            told = {"octets": octets} if report.dry_run else {}
            stands = renew(session, self._it.id, self._lease, self._work.clock(), **told)
        self._work.pause()
        first, self._has_begun = not self._has_begun, True
        if first:
            self._work.begin_to_write()
        # An interrupted dry run would start again, so it ignores the time slice.
        over = self._work.stopping() if report.dry_run or first else self._work.is_over()
        if over or stands is not self._it.state or not self._upload.rows.is_file():
            raise _Interrupted

    def _undo(self) -> Change:
        work = self._work
        while True:
            with work.database.transaction() as session:
                it = session.get_one(Import, self._it.id)
                more = undo_some(session, it, work.secrets)
                renew(session, it.id, self._lease, work.clock(), undone=dict(it.undone))
            work.pause()
            if not more or work.is_over():
                break

        def undone(session: Session, it: Import) -> None:
            if not more:
                it.state, it.touched_at = ImportState.UNDONE, work.clock()
                self._upload.forget()

        return undone


def _note(session: Session, it: Import, now: datetime) -> None:
    if (told := it.told) is not None:
        detail = f"{it.name}: {summary(told)}. Basis: {it.basis}"
        accounts.note(session, it.owner, now, "subscribers imported", detail[:500])
