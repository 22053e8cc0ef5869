"""Growing waits between wrong passwords: for each client, for each account, and for each browser that is known.

A try is counted before the password is compared, so that a hundred at once are no better than one behind the other.
A stranger who guesses at an account makes other strangers wait, never longer than `ACCOUNT.longest`; a browser in which
the owner has signed in before is counted by itself, so that nobody can keep them out of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base

FORGOTTEN_AFTER = timedelta(days=1)
"""Without another wrong password in so long, the count begins anew."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many wrong passwords are free; each behind them doubles the wait, from a second to the longest."""

    free: int
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """How long the next try has to wait."""
        over = failures - self.free
        return timedelta() if over < 0 else min(timedelta(seconds=2 ** min(over, 20)), self.longest)


CLIENT = Patience(free=10, longest=timedelta(minutes=15))
ACCOUNT = Patience(free=5, longest=timedelta(minutes=1))
BROWSER = Patience(free=5, longest=timedelta(minutes=15))
Key = tuple[Patience, str]
"""What is counted under which name."""


class Wait(Base):
    """Wrong passwords in a row under one name, which is kept hashed: it may be an address."""

    __tablename__ = "waits"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]


def take_try(session: Session, keys: list[Key], now: datetime) -> timedelta:
    """Count one try under each of these names; or say how long it has to wait, and count nothing."""
    rows = [(patience, _row(session, name, now)) for patience, name in sorted(keys, key=lambda key: _hashed(key[1]))]
    for _, row in rows:
        if now - row.last_at > FORGOTTEN_AFTER:
            row.failures = 0
    wait = max((row.last_at + patience.after(row.failures) - now for patience, row in rows), default=timedelta())
    if wait > timedelta():
        return wait
    for _, row in rows:
        row.failures, row.last_at = row.failures + 1, now
    return timedelta()


def forgive(session: Session, keys: list[Key]) -> None:
    """The password was right: the count begins anew."""
    _delete(session, Wait.key_hash.in_([_hashed(name) for _, name in keys]))


def sweep(session: Session, now: datetime) -> None:
    """Delete what is forgotten."""
    _delete(session, Wait.last_at < now - FORGOTTEN_AFTER)


def _delete(session: Session, which: ColumnElement[bool]) -> None:
    """Delete rows, locked in the order in which `take_try` locks them: two who wait for each other would both fail."""
    found = session.scalars(select(Wait.key_hash).where(which).order_by(Wait.key_hash).with_for_update()).all()
    session.execute(delete(Wait).where(Wait.key_hash.in_(found), which))


def _row(session: Session, name: str, now: datetime) -> Wait:
    """The row of a name, held to the end of the transaction: whoever tries at the same time queues here."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    fresh = dialect.insert(Wait).values(key_hash=_hashed(name), failures=0, last_at=now)
    # An update that changes nothing, and not "do nothing": so the row is locked in the statement that finds it, and
    # cannot be forgiven or swept in between.
    locked = fresh.on_conflict_do_update(index_elements=[Wait.key_hash], set_={"failures": Wait.failures})
    found = locked.returning(Wait).execution_options(populate_existing=True)
    row: Wait = session.scalars(found).one()
    return row


def _hashed(name: str) -> str:
    return sha256(name.encode()).hexdigest()
