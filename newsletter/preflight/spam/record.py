"""SpamScore: that a mail's spam points were asked for, and what SpamAssassin said the last time."""

import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, String, Text, UniqueConstraint, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id, Moment, one_of

LEASE = timedelta(minutes=1)
"""How long a score is its worker's alone; whoever is killed in it is followed by another one then."""
REST = timedelta(seconds=5)
"""Between two presses for the same mail."""


class Scores(StrEnum):
    """What is scored."""

    CAMPAIGN = "campaign"
    ARTICLE = "article"
    """As a step of its series, or as a campaign where it is in none."""
    GUIDE = "guide"
    """The mail that hands it over."""


class SpamScore(Base):
    """One of each kind and row: a press while it waits asks for nothing more."""

    __tablename__ = "spam_scores"
    __table_args__ = (one_of("kind", Scores), UniqueConstraint("kind", "about"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[Scores]
    about: Mapped[int] = mapped_column(BigInteger)
    """The id of the campaign, article or guide; of one that is gone nobody asks any more."""
    asked_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    """Of what was scored (`mails.fingerprint_of`)."""
    found_json: Mapped[str] = mapped_column(Text, default="")
    """Codes, points, and what SpamAssassin said (`work`)."""

    @property
    def waits(self) -> bool:
        """Whether it is still to be done."""
        return self.looked_at is None or self.looked_at < self.asked_at

    @property
    def found(self) -> dict[str, Any]:
        """What was found; {} before the first score."""
        return dict(json.loads(self.found_json)) if self.found_json else {}

    def keep(self, fingerprint: str, found: dict[str, Any], now: datetime) -> None:
        """Write down what was found of the mail with this fingerprint."""
        self.fingerprint, self.found_json = fingerprint, json.dumps(found)
        self.looked_at, self.leased_until = now, None


def ask(session: Session, kind: Scores, about: int, now: datetime) -> bool:
    """Have a worker score it; False: it was asked for a moment ago, or waits, and nothing more is done."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"kind": kind, "about": about, "asked_at": now, "fingerprint": "", "found_json": ""}
    insert = dialect.insert(SpamScore).values(**values).on_conflict_do_nothing().returning(SpamScore.id)
    if session.scalar(insert) is not None:
        return True
    it = (SpamScore.kind == kind, SpamScore.about == about)
    row = session.scalars(select(SpamScore).where(*it).with_for_update()).one()
    if row.waits or now - row.asked_at < REST:
        return False
    row.asked_at = max(now, (row.looked_at or now) + timedelta(microseconds=1))  # behind it, whatever the clock says
    return True


def score_of(session: Session, kind: Scores, about: int) -> SpamScore | None:
    """The one there is."""
    return session.scalars(select(SpamScore).where(SpamScore.kind == kind, SpamScore.about == about)).one_or_none()


def _is_open(now: Moment) -> ColumnElement[bool]:
    undone = or_(SpamScore.looked_at.is_(None), SpamScore.looked_at < SpamScore.asked_at)
    return undone & or_(SpamScore.leased_until.is_(None), SpamScore.leased_until < now)


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """Whether there is something to score."""
    return exists().where(_is_open(now))


def take(session: Session, now: datetime) -> SpamScore | None:
    """The next one, for this worker alone."""
    look = select(SpamScore).where(_is_open(now)).order_by(SpamScore.asked_at, SpamScore.id).limit(1)
    row = session.scalars(look.with_for_update(skip_locked=True)).one_or_none()
    if row is not None:
        row.leased_until = now + LEASE
    return row
