"""CheckedLink: an address to fetch, and the result of its last check."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter import asked
from newsletter.db import IN_ONE_STATEMENT, Base, Id, Moment, batched
from newsletter.fetch import Trouble

AGAIN = timedelta(days=1)
"""Interval between automatic checks of an address in use."""
SOON = timedelta(minutes=10)
"""Interval after a first failure, which may be ours or temporary."""
REST = timedelta(seconds=10)
"""Interval between checks requested by an owner."""
KEPT = timedelta(days=30)
"""How long an address is kept after its last use."""
A_WHILE = timedelta(hours=6)
"""How long a use is not recorded again."""
LASTS = frozenset({Trouble.GONE, Trouble.PRIVATE, Trouble.REDIRECTS})
"""Failures that the next check would repeat, so the first one counts."""
UNJUDGED = frozenset({Trouble.REFUSED, Trouble.PORT, Trouble.CREDENTIALS, Trouble.SCHEME, Trouble.ADDRESS})
"""Failures that do not show whether a reader gets there: the site keeps programs out, or our rules forbid a fetch."""


class CheckedLink(asked.Asked, Base):
    """One row per address, whichever articles use it."""

    __tablename__ = "checked_links"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the address in hex; the address itself is too long for an index."""
    address: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(255), default="")
    used_at: Mapped[datetime]
    """When it was last found in something that is checked."""
    failed: Mapped[int] = mapped_column(default=0)
    """Consecutive failures; 0 after a success or a check that proves nothing."""

    @property
    def trouble(self) -> Trouble | None:
        """Why the last check failed; None if it did not, or before the first check."""
        code = self.found.get("trouble", "")
        return Trouble(code) if code in set(Trouble) else None

    @property
    def status(self) -> int:
        """The HTTP status (RFC 9110 §15); 0 if the site gave none."""
        return int(self.found.get("status", 0))

    @property
    def is_lost(self) -> bool:
        """Whether it certainly leads nowhere: a lasting failure (`LASTS`), or two failures in a row."""
        return self.failed > 1 or (self.failed == 1 and self.trouble in LASTS)

    def note(self, trouble: Trouble | None, status: int, now: datetime) -> None:
        """Record the result of a check."""
        self.failed = self.failed + 1 if trouble and trouble not in UNJUDGED else 0
        self.keep({"trouble": trouble or "", "status": status}, now)

    def is_due(self, now: datetime) -> bool:
        """Whether an automatic check is due."""
        rest = SOON if self.failed == 1 and not self.is_lost else AGAIN
        return not self.waits and now - self.asked_at >= rest


def print_of(address: str) -> str:
    """The fingerprint by which an address's row is found."""
    return sha256(address.encode()).hexdigest()


def rows_of(session: Session, addresses: Collection[str]) -> dict[str, CheckedLink]:
    """The existing rows, by address."""
    rows: list[CheckedLink] = []
    for prints in batched([print_of(one) for one in addresses], IN_ONE_STATEMENT):
        rows += session.scalars(select(CheckedLink).where(CheckedLink.fingerprint.in_(prints)))
    return {one.address: one for one in rows}


def ask(session: Session, addresses: Sequence[str], now: datetime, *, anew: bool = False) -> int:
    """Request checks of addresses that are new or due; return how many.

    `anew` also includes those not yet due, unless they were requested within `REST`.
    """
    known, count = rows_of(session, addresses), 0
    for address in sorted(addresses, key=print_of):  # a fixed order prevents deadlocks
        row = known.get(address)
        if row is None:
            key = {"fingerprint": print_of(address), "address": address, "host": _host(address), "used_at": now}
            count += asked.insert_once(session, CheckedLink, key, now)
            continue
        if now - row.used_at > A_WHILE:
            row.used_at = now
        if row.is_due(now) or (anew and not row.waits and now - row.asked_at >= REST):
            row.asked_at = max(now, (row.looked_at or now) + timedelta(microseconds=1))
            count += 1
    return count


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "")[:255]
    except ValueError:
        return ""


def is_waiting(now: Moment) -> ColumnElement[bool]:
    """Whether an address waits to be fetched, as an SQL condition."""
    return asked.is_waiting(CheckedLink, now)


def forget_old(session: Session, now: datetime) -> None:
    """Delete addresses unused for a month."""
    session.execute(delete(CheckedLink).where(CheckedLink.used_at < now - KEPT))
