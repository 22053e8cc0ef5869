"""Import: one uploaded file, from arrival to report. Workers do what takes time (`lease`, `work`)."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, false, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter import characters
from newsletter.accounts import Owner
from newsletter.db import Base, Id, one_of
from newsletter.imports.for_known import ForKnown
from newsletter.imports.mapping import Meaning
from newsletter.imports.report import Report
from newsletter.imports.standing import Standing
from newsletter.languages import marked, said

KEPT_FOR = timedelta(hours=24)
"""How long a file waits for its owner's next step, and how long a finished import can be undone."""
LONGEST_BASIS, LONGEST_PROBLEM = 1000, 1000


class ImportState(StrEnum):
    """An import's state. A worker handles those in `WORKING`; the others wait for the owner or are final."""

    READING = "reading"
    """A workbook is being converted to CSV."""
    MAPPING = "mapping"
    """The owner maps the columns."""
    SURVEYING = "surveying"
    """Statuses are being counted."""
    ASKING = "asking"
    """The owner sees the statuses, names the basis and explains unknown statuses."""
    CHECKING = "checking"
    """The dry run."""
    READY = "ready"
    """The owner sees what would happen."""
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNUSABLE = "unusable"
    """The file cannot be imported or is gone."""


WORKING = (ImportState.READING, ImportState.SURVEYING, ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)
DRAFTS = (ImportState.READING, ImportState.MAPPING, ImportState.SURVEYING, ImportState.ASKING, ImportState.CHECKING,
          ImportState.READY, ImportState.UNUSABLE)  # fmt: skip
"""States in which nothing has been written yet."""
_BEFORE = (ImportState.MAPPING, ImportState.ASKING, ImportState.READY)
_OPEN = text("state IN ('reading', 'surveying', 'checking', 'running', 'undoing')")


class NotNow(ValueError):
    """Not possible in the import's current state, which the message names."""


class Import(Base):
    """One file. `token`: its name in the uploads folder; None if it was imported by the command."""

    __tablename__ = "imports"
    __table_args__ = (
        one_of("state", ImportState),
        Index("ix_imports_open", "state", postgresql_where=_OPEN, sqlite_where=_OPEN),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    """When the owner or a worker last did something."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    token: Mapped[str | None] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(default=0)
    """Octets of the CSV, for a workbook of the converted one."""
    state: Mapped[ImportState]
    problem: Mapped[str] = mapped_column(String(LONGEST_PROBLEM), default="")
    """Why it does not continue, as a sentence for the owner."""
    place: Mapped[int | None] = mapped_column()
    """Index of the column that the problem is about."""
    sheets: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """A workbook's sheets, as `workbook.Sheet`."""
    sheet: Mapped[str] = mapped_column(String(255), default="")
    hidden: Mapped[int] = mapped_column(default=0)
    """Rows hidden by a filter in the sheet."""
    visible_only: Mapped[bool] = mapped_column(default=False)
    headed: Mapped[bool | None] = mapped_column()
    """Whether the owner said that the first row is a header; None: guess."""
    headings_hash: Mapped[str] = mapped_column(String(64), default="", index=True)
    """By which the next file with the same headings gets the same mapping."""
    meanings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    answers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """The owner's explanations of unknown statuses: names of `Standing` by word."""
    seen: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the survey found: "standings" and "unknown"."""
    basis: Mapped[str] = mapped_column(String(LONGEST_BASIS), default="")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Tags for everybody in the file who is or becomes a reader."""
    topics: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Ids of the topics people take if the file does not say; None: all."""
    fills_known: Mapped[bool] = mapped_column(default=True, server_default=false())
    """Whether existing subscribers get the file's tags, and its values for empty fields."""
    overwrites_known: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the file's values also replace existing ones."""
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """The report so far (`Report.as_json`)."""
    octets: Mapped[int] = mapped_column(default=0)
    """How much of `size` has been read."""
    left_out: Mapped[int] = mapped_column(default=0)
    """The errors file's length in octets after the last batch."""
    fields_made: Mapped[list[int]] = mapped_column(JSON, default=list)
    forgets_gone: Mapped[bool] = mapped_column(default=False)
    """Whether undoing also deletes those imported as gone."""
    started_at: Mapped[datetime | None] = mapped_column()
    finished_at: Mapped[datetime | None] = mapped_column()
    """When it was last done or stopped; `KEPT_FOR` counts from here."""
    undone: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column()

    owner: Mapped[Owner | None] = relationship()

    @property
    def columns(self) -> list[Meaning]:
        """The meaning of each column."""
        return [Meaning.of_json(one) for one in self.meanings]

    @property
    def standings(self) -> dict[str, Standing]:
        """The owner's explanations of unknown statuses."""
        return {word: Standing[name] for word, name in self.answers.items()}

    @property
    def for_known(self) -> ForKnown:
        """What existing subscribers get."""
        return ForKnown.OVERWRITE if self.overwrites_known else ForKnown.FILL if self.fills_known else ForKnown.LEAVE

    @property
    def told(self) -> Report | None:
        """The report so far; None before the dry run."""
        return Report.of_json(self.report) if self.report else None

    @property
    def is_working(self) -> bool:
        """Whether it is a worker's turn."""
        return self.state in WORKING

    def may_be_undone(self, now: datetime) -> bool:
        """Whether it is over, and still within `KEPT_FOR`."""
        over = self.state in (ImportState.DONE, ImportState.STOPPED)
        return over and self.finished_at is not None and now < self.finished_at + KEPT_FOR

    def choose_columns(self, now: datetime, meanings: Sequence[Meaning]) -> None:
        """Map the columns; the survey is next. Raises NotNow."""
        self.turn(now, ImportState.SURVEYING, only=_BEFORE)
        self.meanings, self.seen, self.report = [one.as_json() for one in meanings], {}, {}

    def choose_sheet(self, now: datetime, sheet: str, *, visible_only: bool) -> None:
        """Choose a sheet of the workbook; it is read next. Raises NotNow."""
        self.turn(now, ImportState.READING, only=_BEFORE)
        self.sheet, self.visible_only, self.meanings, self.headed = sheet, visible_only, [], None

    def choose_headings(self, now: datetime, *, headed: bool) -> None:
        """Say whether the first row is a header; the mapping starts again. Raises NotNow."""
        self.turn(now, ImportState.MAPPING, only=_BEFORE)
        self.headed, self.meanings, self.seen, self.report = headed, [], {}, {}

    def answer(self, now: datetime, *, basis: str, tags: Sequence[str], topics: Sequence[int] | None,
               answers: Mapping[str, Standing], known: ForKnown = ForKnown.FILL) -> None:  # fmt: skip
        """Set the consent basis, tags and topics for all, the meaning of unknown statuses, and what existing
        subscribers get (`known`); the dry run is next. Raises NotNow."""
        self.turn(now, ImportState.CHECKING, only=(ImportState.ASKING,))
        self.basis, self.tags = characters.line(basis)[:LONGEST_BASIS], list(tags)
        self.topics = None if topics is None else list(topics)
        self.answers = {word: standing.name for word, standing in answers.items()}
        self.fills_known, self.overwrites_known = known is not ForKnown.LEAVE, known is ForKnown.OVERWRITE
        self.octets = 0

    def ask_columns_again(self, now: datetime) -> None:
        """Back to the columns. Raises NotNow."""
        self.turn(now, ImportState.MAPPING, only=(ImportState.ASKING, ImportState.READY))

    def ask_basis_again(self, now: datetime) -> None:
        """Back to the statuses, the basis and the tags. Raises NotNow."""
        self.turn(now, ImportState.ASKING, only=(ImportState.READY,))

    def start(self, now: datetime) -> None:
        """Start writing. Raises NotNow."""
        self.turn(now, ImportState.RUNNING, only=(ImportState.READY,))
        self.started_at, self.octets, self.left_out, self.report = now, 0, 0, {}

    def stop(self, now: datetime) -> None:
        """Stop after the current batch; what is written stays. Raises NotNow."""
        self.turn(now, ImportState.STOPPED, only=(ImportState.RUNNING,))
        self.finished_at = now

    def go_on(self, now: datetime) -> None:
        """Resume from where it was stopped. Raises NotNow."""
        self.turn(now, ImportState.RUNNING, only=(ImportState.STOPPED,))
        self.finished_at = None

    def undo(self, now: datetime, *, forgets_gone: bool) -> None:
        """Start undoing. `forgets_gone`: also delete those imported as gone. Raises NotNow."""
        if self.finished_at is not None and now >= self.finished_at + KEPT_FOR:
            raise NotNow(said("An import can be undone for 24 hours, and these are over."))
        self.turn(now, ImportState.UNDOING, only=(ImportState.DONE, ImportState.STOPPED))
        self.forgets_gone, self.undone = forgets_gone, {}

    def turn(self, now: datetime, state: ImportState, *, only: tuple[ImportState, ...]) -> None:
        """Move to `state`, allowed only from one of `only`. Raises NotNow."""
        if self.state not in only:
            raise NotNow(said("This import is %(state)s.", state=said(STANDS[self.state])))
        self.state, self.touched_at, self.problem, self.place = state, now, "", None

    def fail(self, now: datetime, told: str, state: ImportState, place: int | None = None) -> None:
        """Record why it cannot continue, and move to `state`. `place`: the column's index, if it is about one."""
        self.state, self.touched_at, self.place = state, now, place
        self.problem = characters.line(told)[:LONGEST_PROBLEM]


STANDS = {
    ImportState.READING: marked("being read"),
    ImportState.MAPPING: marked("waiting for its columns"),
    ImportState.SURVEYING: marked("being read"),
    ImportState.ASKING: marked("waiting for its basis"),
    ImportState.CHECKING: marked("being checked"),
    ImportState.READY: marked("checked, and waits for your word"),
    ImportState.RUNNING: marked("under way"),
    ImportState.STOPPED: marked("stopped"),
    ImportState.DONE: marked("done"),
    ImportState.UNDOING: marked("being undone"),
    ImportState.UNDONE: marked("undone"),
    ImportState.UNUSABLE: marked("over: it cannot be read"),
}


def begin(session: Session, name: str, now: datetime, state: ImportState, *, owner_id: int | None = None,
          token: str | None = None, size: int = 0) -> Import:  # fmt: skip
    """Create an import. `token`, `size`: of its uploaded file."""
    made = Import(
        name=characters.line(name)[-255:] or "list", created_at=now, touched_at=now, state=state, owner_id=owner_id,
        token=token, size=size,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def read_alike(session: Session, headings_hash: str) -> list[Meaning] | None:
    """The mapping of the last completed import with these headings, or None."""
    alike = select(Import).where(
        Import.headings_hash == headings_hash, Import.state.in_((ImportState.DONE, ImportState.UNDONE))
    )
    last = session.scalar(alike.order_by(Import.id.desc()).limit(1))
    return last.columns if last else None
