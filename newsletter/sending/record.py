"""SendingLook: a requested check of sending, and what the last one found."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter import asked
from newsletter.db import Base, Id, Moment, one_of

REST = timedelta(seconds=10)
"""Between two checks of the same thing: relays count who connects too often."""


class LookKind(StrEnum):
    """What is checked."""

    DOMAIN = "domain"
    RELAY = "relay"
    KEY = "key"
    """Make a signing key where there is none."""


class SendingLook(asked.Asked, Base):
    """One row for each kind and name: another press while it waits changes nothing."""

    __tablename__ = "sending_looks"
    __table_args__ = (one_of("kind", LookKind), UniqueConstraint("kind", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[LookKind]
    name: Mapped[str] = mapped_column(String(300))
    """The relay ("host:port"); empty for other kinds."""


def ask(session: Session, kind: LookKind, name: str, now: datetime, rest: timedelta = REST) -> bool:
    """Request a check; return False if one waits or was requested within `rest`, and nothing changes."""
    return asked.ask(session, SendingLook, {"kind": kind, "name": name}, now, rest)


def every(session: Session) -> Sequence[SendingLook]:
    """All of them, oldest first."""
    return session.scalars(select(SendingLook).order_by(SendingLook.id)).all()


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """The condition that a check waits."""
    return asked.is_waiting(SendingLook, now)
