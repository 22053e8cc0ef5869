"""SpamScore: that a mail's spam points were asked for, and what SpamAssassin said the last time."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter import asked
from newsletter.db import Base, Id, Moment, one_of

REST = timedelta(seconds=5)
"""Between two presses for the same mail."""


class Scores(StrEnum):
    """What is scored."""

    CAMPAIGN = "campaign"
    ARTICLE = "article"
    """As a step of its series, or as a campaign where it is in none."""
    GUIDE = "guide"
    """The mail that hands it over."""


class SpamScore(asked.Asked, Base):
    """One of each kind and row: a press while it waits asks for nothing more."""

    __tablename__ = "spam_scores"
    __table_args__ = (one_of("kind", Scores), UniqueConstraint("kind", "about"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[Scores]
    about: Mapped[int] = mapped_column(BigInteger)
    """The id of the campaign, article or guide; of one that is gone nobody asks any more."""
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    """Of what was scored (`mails.fingerprint_of`)."""

    def keep_of(self, fingerprint: str, found: dict[str, Any], now: datetime) -> None:
        """Write down what was found of the mail with this fingerprint."""
        self.fingerprint = fingerprint
        self.keep(found, now)


def ask(session: Session, kind: Scores, about: int, now: datetime) -> bool:
    """Have a worker score it; False: it was asked for a moment ago, or waits, and nothing more is done."""
    return asked.ask(session, SpamScore, {"kind": kind, "about": about}, now, REST)


def keep(session: Session, kind: Scores, about: int, fingerprint: str, found: dict[str, Any], now: datetime) -> None:
    """Write down what was found of something new, without a press."""
    row = SpamScore(kind=kind, about=about)
    row.asked_at = now
    row.keep_of(fingerprint, found, now)
    session.add(row)


def score_of(session: Session, kind: Scores, about: int) -> SpamScore | None:
    """The one there is."""
    return session.scalars(select(SpamScore).where(SpamScore.kind == kind, SpamScore.about == about)).one_or_none()


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """Whether there is something to score."""
    return asked.is_waiting(SpamScore, now)
