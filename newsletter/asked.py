"""Rows that ask a worker to look: a press while one waits asks for nothing more, and a worker has it alone."""

import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Text, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Moment

LEASE = timedelta(minutes=1)
"""How long a row is its worker's alone; whoever is killed in it is followed by another one then."""


class Asked:
    """A mixin: when it was asked, who has it, and what was found the last time."""

    id: Mapped[int]
    asked_at: Mapped[datetime]
    looked_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    found_json: Mapped[str] = mapped_column(Text, default="")
    """Codes and what others said; never a secret."""

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


Row = TypeVar("Row", bound=Asked)


def ask(session: Session, model: type[Row], key: dict[str, Any], now: datetime, rest: timedelta) -> bool:
    """Have a worker look; False: it was asked for within `rest`, or waits, and nothing more is done.

    `key`: the columns by which there is one row of each.
    """
    if insert_once(session, model, key, now):
        return True
    row = session.scalars(select(model).filter_by(**key).with_for_update()).one()
    if row.waits or now - row.asked_at < rest:
        return False
    row.asked_at = max(now, (row.looked_at or now) + timedelta(microseconds=1))  # behind it, whatever the clock says
    return True


def insert_once(session: Session, model: type[Row], values: dict[str, Any], now: datetime) -> bool:
    """Add a row that waits, with these columns; False: there is one, which is left as it is."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(model).values(**values, asked_at=now).on_conflict_do_nothing().returning(model.id)
    return session.scalar(insert) is not None


def is_open(model: type[Row], now: Moment) -> ColumnElement[bool]:
    """Whether a row waits and nobody has it."""
    undone = or_(model.looked_at.is_(None), model.looked_at < model.asked_at)
    return undone & or_(model.leased_until.is_(None), model.leased_until < now)


def is_waiting(model: type[Row], now: Moment) -> ColumnElement[bool]:
    """Whether there is something to look at."""
    return exists().where(is_open(model, now))


def take(session: Session, model: type[Row], now: datetime) -> Row | None:
    """The next one, for this worker alone."""
    look = select(model).where(is_open(model, now)).order_by(model.asked_at, model.id).limit(1)
    row = session.scalars(look.with_for_update(skip_locked=True)).one_or_none()
    if row is not None:
        row.leased_until = now + LEASE
    return row
