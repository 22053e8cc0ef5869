"""SendingLook: that something was asked about sending, and what was found the last time."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, String, Text, UniqueConstraint, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id, Moment, one_of

LEASE = timedelta(minutes=1)
"""How long a look is its worker's alone; whoever is killed in it is followed by another one then."""
REST = timedelta(seconds=10)
"""Between two looks at the same: relays count who comes too often."""


class LookKind(StrEnum):
    """What is looked at."""

    DOMAIN = "domain"
    RELAY = "relay"
    KEY = "key"
    """A key that signs is to be made, where there is none."""


class SendingLook(Base):
    """One of each kind and name: a press while it waits asks for nothing more."""

    __tablename__ = "sending_looks"
    __table_args__ = (one_of("kind", LookKind), UniqueConstraint("kind", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[LookKind]
    name: Mapped[str] = mapped_column(String(300))
    """The relay ("host:port"); empty for the others."""
    asked_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    found_json: Mapped[str] = mapped_column(Text, default="")
    """Codes, what DNS holds, and what servers said (`work`); never a secret."""

    @property
    def waits(self) -> bool:
        """Whether it is still to be done."""
        return self.looked_at is None or self.looked_at < self.asked_at

    @property
    def found(self) -> dict[str, Any]:
        """What was found; {} before the first look."""
        return dict(json.loads(self.found_json)) if self.found_json else {}

    def keep(self, found: dict[str, Any], now: datetime) -> None:
        """Write down what was found."""
        self.found_json, self.looked_at, self.leased_until = json.dumps(found), now, None


def ask(session: Session, kind: LookKind, name: str, now: datetime, rest: timedelta = REST) -> bool:
    """Have a worker look; False: it was asked for within `rest`, or waits, and nothing more is done."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    values = {"kind": kind, "name": name, "asked_at": now, "found_json": ""}
    insert = dialect.insert(SendingLook).values(**values).on_conflict_do_nothing().returning(SendingLook.id)
    if session.scalar(insert) is not None:
        return True
    it = (SendingLook.kind == kind, SendingLook.name == name)
    row = session.scalars(select(SendingLook).where(*it).with_for_update()).one()
    if row.waits or now - row.asked_at < rest:
        return False
    row.asked_at = max(now, (row.looked_at or now) + timedelta(microseconds=1))  # behind it, whatever the clock says
    return True


def every(session: Session) -> Sequence[SendingLook]:
    """All of them."""
    return session.scalars(select(SendingLook).order_by(SendingLook.id)).all()


def _is_open(now: Moment) -> ColumnElement[bool]:
    undone = or_(SendingLook.looked_at.is_(None), SendingLook.looked_at < SendingLook.asked_at)
    return undone & or_(SendingLook.leased_until.is_(None), SendingLook.leased_until < now)


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """Whether there is something to look at."""
    return exists().where(_is_open(now))


def take(session: Session, now: datetime) -> SendingLook | None:
    """The next one, for this worker alone."""
    look = select(SendingLook).where(_is_open(now)).order_by(SendingLook.asked_at, SendingLook.id).limit(1)
    row = session.scalars(look.with_for_update(skip_locked=True)).one_or_none()
    if row is not None:
        row.leased_until = now + LEASE
    return row
