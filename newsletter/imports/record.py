"""Import: one file of people, from its arrival to its report. What takes time is a worker's (`lease`, `work`)."""

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
"""How long a file waits for its owner's next step, and an import that was made can be undone."""
LONGEST_BASIS, LONGEST_PROBLEM = 1000, 1000


class ImportState(StrEnum):
    """Where it stands. Those of `WORKING` are a worker's to do, the others wait for an owner, or are over."""

    READING = "reading"
    """A workbook is turned into rows."""
    MAPPING = "mapping"
    """Which column is what is asked."""
    SURVEYING = "surveying"
    """Statuses are counted."""
    ASKING = "asking"
    """Statuses are told; the basis is asked, and what is not understood."""
    CHECKING = "checking"
    """The dry run."""
    READY = "ready"
    """Told what would happen."""
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    UNUSABLE = "unusable"
    """The file cannot be imported, or is gone."""


WORKING = (ImportState.READING, ImportState.SURVEYING, ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)
DRAFTS = (ImportState.READING, ImportState.MAPPING, ImportState.SURVEYING, ImportState.ASKING, ImportState.CHECKING,
          ImportState.READY, ImportState.UNUSABLE)  # fmt: skip
"""Nothing has been written yet."""
_BEFORE = (ImportState.MAPPING, ImportState.ASKING, ImportState.READY)
_OPEN = text("state IN ('reading', 'surveying', 'checking', 'running', 'undoing')")


class NotNow(ValueError):
    """The import is not at the point where this can be done; the message says where it stands."""


class Import(Base):
    """One file. `token`: the name of its file here; None: it was given to the command."""

    __tablename__ = "imports"
    __table_args__ = (
        one_of("state", ImportState),
        Index("ix_imports_open", "state", postgresql_where=_OPEN, sqlite_where=_OPEN),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    """When its owner, or a worker, did the last step."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("owners.id", ondelete="SET NULL"))
    token: Mapped[str | None] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(default=0)
    """Octets of what is read; of a workbook, of the CSV that was made of it."""
    state: Mapped[ImportState]
    problem: Mapped[str] = mapped_column(String(LONGEST_PROBLEM), default="")
    """Why it does not go on, in words for its owner."""
    place: Mapped[int | None] = mapped_column()
    """The column that the problem is about."""
    sheets: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Of a workbook: what `workbook.Sheet` says of each."""
    sheet: Mapped[str] = mapped_column(String(255), default="")
    hidden: Mapped[int] = mapped_column(default=0)
    """Rows of the sheet that a filter hides."""
    visible_only: Mapped[bool] = mapped_column(default=False)
    headed: Mapped[bool | None] = mapped_column()
    """Whether the owner has said that the first row names the columns, or does not; None: it is as it looks."""
    headings_hash: Mapped[str] = mapped_column(String(64), default="", index=True)
    """The headings' hash: the next file with the same is read the same way."""
    meanings: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    answers: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """What the owner said of statuses that are not known: the names of `Standing` by the words."""
    seen: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What the survey found: "standings", and "unknown"."""
    basis: Mapped[str] = mapped_column(String(LONGEST_BASIS), default="")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    """For everybody in the file who is a reader, or becomes one."""
    topics: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    """Which topics its people take where the file says nothing of it; None: every one."""
    fills_known: Mapped[bool] = mapped_column(default=True, server_default=false())
    """Whether people who are here already get the file's tags, and its values where a field of theirs is empty."""
    overwrites_known: Mapped[bool] = mapped_column(default=False, server_default=false())
    """And whether its values take the place of theirs."""
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """As far as it has come (`Report.as_json`)."""
    octets: Mapped[int] = mapped_column(default=0)
    """How many of `size` have been read."""
    left_out: Mapped[int] = mapped_column(default=0)
    """The length of the errors file behind the last batch."""
    fields_made: Mapped[list[int]] = mapped_column(JSON, default=list)
    forgets_gone: Mapped[bool] = mapped_column(default=False)
    """Of undoing: also who had left by the file's word is forgotten."""
    started_at: Mapped[datetime | None] = mapped_column()
    finished_at: Mapped[datetime | None] = mapped_column()
    """When it was done or stopped last: `KEPT_FOR` counts from then."""
    undone: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column()

    owner: Mapped[Owner | None] = relationship()

    @property
    def columns(self) -> list[Meaning]:
        """What each column is."""
        return [Meaning.of_json(one) for one in self.meanings]

    @property
    def standings(self) -> dict[str, Standing]:
        """The owner's answers, as the judgement takes them."""
        return {word: Standing[name] for word, name in self.answers.items()}

    @property
    def for_known(self) -> ForKnown:
        """What it brings to those who are here already."""
        return ForKnown.OVERWRITE if self.overwrites_known else ForKnown.FILL if self.fills_known else ForKnown.LEAVE

    @property
    def told(self) -> Report | None:
        """How far it has come; None: not even a dry run has."""
        return Report.of_json(self.report) if self.report else None

    @property
    def is_working(self) -> bool:
        """Whether a worker has to do with it."""
        return self.state in WORKING

    def may_be_undone(self, now: datetime) -> bool:
        """Whether it is over, and not for too long."""
        over = self.state in (ImportState.DONE, ImportState.STOPPED)
        return over and self.finished_at is not None and now < self.finished_at + KEPT_FOR

    def choose_columns(self, now: datetime, meanings: Sequence[Meaning]) -> None:
        """What each column is; its statuses are counted next. Raises NotNow."""
        self.turn(now, ImportState.SURVEYING, only=_BEFORE)
        self.meanings, self.seen, self.report = [one.as_json() for one in meanings], {}, {}

    def choose_sheet(self, now: datetime, sheet: str, *, visible_only: bool) -> None:
        """Which sheet of the workbook is read. Raises NotNow."""
        self.turn(now, ImportState.READING, only=_BEFORE)
        self.sheet, self.visible_only, self.meanings, self.headed = sheet, visible_only, [], None

    def choose_headings(self, now: datetime, *, headed: bool) -> None:
        """Whether the first row names the columns; what they are is asked anew. Raises NotNow."""
        self.turn(now, ImportState.MAPPING, only=_BEFORE)
        self.headed, self.meanings, self.seen, self.report = headed, [], {}, {}

    def answer(self, now: datetime, *, basis: str, tags: Sequence[str], topics: Sequence[int] | None,
               answers: Mapping[str, Standing], known: ForKnown = ForKnown.FILL) -> None:  # fmt: skip
        """How these people agreed, which tags and topics all get, what unknown statuses mean, and what it brings to
        those who are `known`; the dry run is next. Raises NotNow."""
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
        """Let it be written. Raises NotNow."""
        self.turn(now, ImportState.RUNNING, only=(ImportState.READY,))
        self.started_at, self.octets, self.left_out, self.report = now, 0, 0, {}

    def stop(self, now: datetime) -> None:
        """After the batch that is being written; what is in stays. Raises NotNow."""
        self.turn(now, ImportState.STOPPED, only=(ImportState.RUNNING,))
        self.finished_at = now

    def go_on(self, now: datetime) -> None:
        """From where it was stopped. Raises NotNow."""
        self.turn(now, ImportState.RUNNING, only=(ImportState.STOPPED,))
        self.finished_at = None

    def undo(self, now: datetime, *, forgets_gone: bool) -> None:
        """Take it back. `forgets_gone`: also who came in as gone. Raises NotNow."""
        if self.finished_at is not None and now >= self.finished_at + KEPT_FOR:
            raise NotNow(said("An import can be undone for 24 hours, and these are over."))
        self.turn(now, ImportState.UNDOING, only=(ImportState.DONE, ImportState.STOPPED))
        self.forgets_gone, self.undone = forgets_gone, {}

    def turn(self, now: datetime, state: ImportState, *, only: tuple[ImportState, ...]) -> None:
        """Bring it to this point, from one of these. Raises NotNow."""
        if self.state not in only:
            raise NotNow(said("This import is %(state)s.", state=said(STANDS[self.state])))
        self.state, self.touched_at, self.problem, self.place = state, now, "", None

    def fail(self, now: datetime, told: str, state: ImportState, place: int | None = None) -> None:
        """Something in the file, or the file itself, keeps it from going on."""
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
"""A state in words."""


def begin(session: Session, name: str, now: datetime, state: ImportState, *, owner_id: int | None = None,
          token: str | None = None, size: int = 0) -> Import:  # fmt: skip
    """A new import."""
    made = Import(
        name=characters.line(name)[-255:] or "list", created_at=now, touched_at=now, state=state, owner_id=owner_id,
        token=token, size=size,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def read_alike(session: Session, headings_hash: str) -> list[Meaning] | None:
    """What the columns of the last file with these headings were; None: there was none."""
    alike = select(Import).where(
        Import.headings_hash == headings_hash, Import.state.in_((ImportState.DONE, ImportState.UNDONE))
    )
    last = session.scalar(alike.order_by(Import.id.desc()).limit(1))
    return last.columns if last else None
