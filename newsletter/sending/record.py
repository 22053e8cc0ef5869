"""SendingLook: that something was asked about sending, and what was found the last time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter import asked
from newsletter.db import Base, Id, Moment, one_of

REST = timedelta(seconds=10)
"""Between two looks at the same: relays count who comes too often."""


class LookKind(StrEnum):
    """What is looked at."""

    DOMAIN = "domain"
    RELAY = "relay"
    KEY = "key"
    """A key that signs is to be made, where there is none."""


class SendingLook(asked.Asked, Base):
    """One of each kind and name: a press while it waits asks for nothing more."""

    __tablename__ = "sending_looks"
    __table_args__ = (one_of("kind", LookKind), UniqueConstraint("kind", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[LookKind]
    name: Mapped[str] = mapped_column(String(300))
    """The relay ("host:port"); empty for the others."""


def ask(session: Session, kind: LookKind, name: str, now: datetime, rest: timedelta = REST) -> bool:
    """Have a worker look; False: it was asked for within `rest`, or waits, and nothing more is done."""
    return asked.ask(session, SendingLook, {"kind": kind, "name": name}, now, rest)


def every(session: Session) -> Sequence[SendingLook]:
    """All of them."""
    return session.scalars(select(SendingLook).order_by(SendingLook.id)).all()


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """Whether there is something to look at."""
    return asked.is_waiting(SendingLook, now)
