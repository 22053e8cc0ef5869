"""ABTest: two campaigns, each to a part of an audience; what wins goes once to the rest.

A, B and the rest are campaigns of their own; who gets which is a slice (`subscribers.slice`) of the lot drawn here. So
nobody's part is stored, nobody is in two, and a restart or a second beat changes nothing.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.articles import LONGEST_LINE
from newsletter.campaigns.campaign import Campaign, CampaignState, Part
from newsletter.campaigns.proportions import Proportion
from newsletter.db import Base, Id

LEAST_SHARE, MOST_SHARE = 2, 90
"""Percent of the audience that A and B go to together, half each."""
LEAST_HOURS, MOST_HOURS = 1, 14 * 24
"""Hours for which each reader's clicks count."""


class Compares(StrEnum):
    """What differs in B."""

    SUBJECT = "subject"
    """The subject, and the preheader if B has its own; the text is A's."""
    ARTICLE = "article"
    """Everything: B is another article."""


class Judge(StrEnum):
    """What decides the winner."""

    CLICKS = "clicks"
    HAND = "hand"
    """The owner, by a press."""


class IfClose(StrEnum):
    """What goes to the rest if the clicks are too few to tell."""

    A = "a"
    WAIT = "wait"
    """Nothing, until the owner presses."""


class Waits(StrEnum):
    """Why a test waits for the owner's press."""

    HAND = "hand"
    """The owner wants to decide."""
    CLOSE = "close"
    """The clicks are too few to tell."""
    UNCOUNTED = "uncounted"
    """Clicks are not counted, or no longer."""
    ENDED = "ended"
    """One of the two was cancelled, so there is nothing to compare."""
    UNFIT = "unfit"
    """What won could not be scheduled."""
    LET_BE = "let-be"
    """It was due in a restored or copied installation, and the owner chose not to send it."""


class Decided(StrEnum):
    """How a test was decided."""

    CLICKS = "clicks"
    HAND = "hand"
    IF_CLOSE = "if-close"
    """Too few clicks to tell, in which case A was to go."""


class Phase(StrEnum):
    """Where a test stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    GOING_OUT = "going out"
    """A and B are going out; its time starts when all their batches are done."""
    RUNNING = "running"
    WAITING = "waiting"
    """For the owner's press."""
    DECIDED = "decided"
    STOPPED = "stopped"
    """Stopped: the rest gets nothing."""


def _is_one_of(column: str, codes: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(str(one)) for one in codes)})"


class ABTest(Base):
    """A test of two subjects or two articles."""

    __tablename__ = "ab_tests"
    __table_args__ = (
        CheckConstraint(f"share BETWEEN {LEAST_SHARE} AND {MOST_SHARE}", name="share"),
        CheckConstraint(f"hours BETWEEN {LEAST_HOURS} AND {MOST_HOURS}", name="hours"),
        CheckConstraint(_is_one_of("compares", Compares), name="compares"),
        CheckConstraint(_is_one_of("judge", Judge), name="judge"),
        CheckConstraint(_is_one_of("if_close", IfClose), name="if_close"),
        CheckConstraint(f"waits IS NULL OR {_is_one_of('waits', Waits)}", name="waits"),
        CheckConstraint(f"decided IS NULL OR {_is_one_of('decided', Decided)}", name="decided"),
        CheckConstraint("winner IS NULL OR winner IN ('a', 'b')", name="winner"),
        CheckConstraint("(winner IS NULL) = (decided IS NULL)", name="decided_somehow"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    a_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    b_id: Mapped[int] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    rest_id: Mapped[int | None] = mapped_column(ForeignKey("campaigns.id"), unique=True)
    compares: Mapped[Compares]
    subject: Mapped[str] = mapped_column(String(LONGEST_LINE), default="")
    """B's, where subjects are compared."""
    preheader: Mapped[str] = mapped_column(String(LONGEST_LINE), default="")
    """B's, where subjects are compared; "" is A's."""
    share: Mapped[int]
    lot: Mapped[int] = mapped_column(BigInteger)
    hours: Mapped[int]
    judge: Mapped[Judge]
    if_close: Mapped[IfClose]
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None] = mapped_column()
    """When everybody's hours are over; None while A or B is going out."""
    waits: Mapped[Waits | None] = mapped_column()
    winner: Mapped[Part | None] = mapped_column()
    decided: Mapped[Decided | None] = mapped_column()
    decided_at: Mapped[datetime | None] = mapped_column()
    stopped_at: Mapped[datetime | None] = mapped_column()
    a_sent: Mapped[int | None] = mapped_column()
    """The numbers when it was decided or began to wait: later clicks change nothing."""
    a_clicked: Mapped[int | None] = mapped_column()
    b_sent: Mapped[int | None] = mapped_column()
    b_clicked: Mapped[int | None] = mapped_column()

    a: Mapped[Campaign] = relationship(foreign_keys=a_id)
    b: Mapped[Campaign] = relationship(foreign_keys=b_id)
    rest: Mapped[Campaign | None] = relationship(foreign_keys=rest_id)

    @property
    def both(self) -> tuple[Campaign, Campaign]:
        """Return A and B."""
        return self.a, self.b

    @property
    def parts(self) -> list[Campaign]:
        """All its existing campaigns."""
        return [*self.both, *([self.rest] if self.rest else [])]

    @property
    def duration(self) -> timedelta:
        """How long each reader's clicks count from the acceptance of their mail."""
        return timedelta(hours=self.hours)

    @property
    def phase(self) -> Phase:
        """Its phase."""
        if self.stopped_at is not None:
            return Phase.STOPPED
        if self.winner is not None:
            return Phase.DECIDED
        if self.waits is not None:
            return Phase.WAITING
        if self.ends_at is not None:
            return Phase.RUNNING
        if self.a.launched_at is not None:
            return Phase.GOING_OUT
        return Phase.SCHEDULED if self.a.stored_state is CampaignState.SCHEDULED else Phase.DRAFT

    @property
    def has_begun(self) -> bool:
        """Whether A or B has been launched."""
        return any(one.launched_at is not None for one in self.both)

    @property
    def is_open(self) -> bool:
        """Whether the winner can still be chosen: it has begun, and the rest has not been launched."""
        return self.has_begun and self.stopped_at is None and (self.rest is None or self.rest.launched_at is None)

    @property
    def kept(self) -> tuple[Proportion, Proportion] | None:
        """Clicks of readers reached for A and B, as kept when it was decided or began to wait."""
        if self.a_sent is None or self.b_sent is None:
            return None
        return Proportion(self.a_clicked or 0, self.a_sent), Proportion(self.b_clicked or 0, self.b_sent)

    def keep(self, a: Proportion, b: Proportion) -> None:
        """Store these numbers."""
        self.a_sent, self.a_clicked, self.b_sent, self.b_clicked = a.whole, a.part, b.whole, b.part

    @property
    def words_b(self) -> tuple[str, str, str]:
        """Return B's subject, preheader and text as they went out, or would now."""
        if self.compares is Compares.ARTICLE or self.b.launched_at is not None:
            revision = self.b.dispatch.revision if self.b.dispatch else self.b.revision
            return revision.subject, revision.preheader, revision.body
        text = self.a.revision
        return self.subject, self.preheader or text.preheader, text.body
