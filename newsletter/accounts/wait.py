"""Growing waits between wrong passwords, per client, per account and per known browser.

A try is counted before the password is checked, so that parallel tries gain nothing. Guessing at an account makes
unknown browsers wait, at most `ACCOUNT.longest`; a browser in which the owner has signed in before has its own count,
so nobody can lock them out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base

FORGOTTEN_AFTER = timedelta(days=1)
"""After so long without a wrong password the count restarts."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many wrong passwords are free; each further one doubles the wait, from a second up to `longest`."""

    free: int
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        """How long to wait before the next try."""
        over = failures - self.free
        return timedelta() if over < 0 else min(timedelta(seconds=2 ** min(over, 20)), self.longest)


CLIENT = Patience(free=10, longest=timedelta(minutes=15))
ACCOUNT = Patience(free=5, longest=timedelta(minutes=1))
BROWSER = Patience(free=5, longest=timedelta(minutes=15))
Key = tuple[Patience, str]
"""How patient to be, and the name that is counted."""


class Wait(Base):
    """Consecutive wrong passwords under one name, stored hashed because it may be an address."""

    __tablename__ = "waits"

    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]


def take_try(session: Session, keys: list[Key], now: datetime) -> timedelta:
    """Count a try under each name and return zero; if any has to wait, return how long and count nothing."""
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
    """Reset the counts after a right password."""
    _delete(session, Wait.key_hash.in_([_hashed(name) for _, name in keys]))


def sweep(session: Session, now: datetime) -> None:
    """Delete counts older than `FORGOTTEN_AFTER`."""
    _delete(session, Wait.last_at < now - FORGOTTEN_AFTER)


def _delete(session: Session, which: ColumnElement[bool]) -> None:
    """Delete rows, locking them in the same order as `take_try` to avoid deadlocks."""
    found = session.scalars(select(Wait.key_hash).where(which).order_by(Wait.key_hash).with_for_update()).all()
    session.execute(delete(Wait).where(Wait.key_hash.in_(found), which))


def _row(session: Session, name: str, now: datetime) -> Wait:
    """The row of a name, locked until the transaction ends, so that parallel tries queue here."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    fresh = dialect.insert(Wait).values(key_hash=_hashed(name), failures=0, last_at=now)
    # A no-op update rather than DO NOTHING: it locks the row in the same statement, so it cannot be forgiven or swept
    # in between.
    locked = fresh.on_conflict_do_update(index_elements=[Wait.key_hash], set_={"failures": Wait.failures})
    found = locked.returning(Wait).execution_options(populate_existing=True)
    row: Wait = session.scalars(found).one()
    return row


def _hashed(name: str) -> str:
    return sha256(name.encode()).hexdigest()
