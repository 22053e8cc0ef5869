"""CheckedLink: an address that is fetched, and what was found there the last time."""

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
"""Between two looks at what is in use."""
SOON = timedelta(minutes=10)
"""After a first look that found nothing: the fault may be ours, or a moment's."""
REST = timedelta(seconds=10)
"""Between two looks that an owner asks for."""
KEPT = timedelta(days=30)
"""Behind the last use of an address."""
A_WHILE = timedelta(hours=6)
"""For which a use is not written down once more."""
LASTS = frozenset({Trouble.GONE, Trouble.PRIVATE, Trouble.REDIRECTS})
"""What the next look would find too."""
UNJUDGED = frozenset({Trouble.REFUSED, Trouble.PORT, Trouble.CREDENTIALS, Trouble.SCHEME, Trouble.ADDRESS})
"""What says nothing of whether a reader gets there: a site that keeps programs out, or what is not fetched by rule."""


class CheckedLink(asked.Asked, Base):
    """One of each address, whatever articles it stands in."""

    __tablename__ = "checked_links"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    """Of the address, which is too long for an index."""
    address: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(255), default="")
    used_at: Mapped[datetime]
    """When it last stood in something that is checked."""
    failed: Mapped[int] = mapped_column(default=0)
    """Looks in a row that found nothing there; 0: something is, or nobody can say."""

    @property
    def trouble(self) -> Trouble | None:
        """Why it was not found; None where it was, and before the first look."""
        code = self.found.get("trouble", "")
        return Trouble(code) if code in set(Trouble) else None

    @property
    def status(self) -> int:
        """What the site answered (RFC 9110 §15); 0: nothing."""
        return int(self.found.get("status", 0))

    @property
    def is_lost(self) -> bool:
        """Whether it is surely not there: told by the site, or found twice."""
        return self.failed > 1 or (self.failed == 1 and self.trouble in LASTS)

    def note(self, trouble: Trouble | None, status: int, now: datetime) -> None:
        """Write down what a look has found."""
        self.failed = self.failed + 1 if trouble and trouble not in UNJUDGED else 0
        self.keep({"trouble": trouble or "", "status": status}, now)

    def is_due(self, now: datetime) -> bool:
        """Whether the worker looks again by itself."""
        rest = SOON if self.failed == 1 and not self.is_lost else AGAIN
        return not self.waits and now - self.asked_at >= rest


def print_of(address: str) -> str:
    """By which the row of an address is found."""
    return sha256(address.encode()).hexdigest()


def rows_of(session: Session, addresses: Collection[str]) -> dict[str, CheckedLink]:
    """The rows that there are, by address."""
    rows: list[CheckedLink] = []
    for prints in batched([print_of(one) for one in addresses], IN_ONE_STATEMENT):
        rows += session.scalars(select(CheckedLink).where(CheckedLink.fingerprint.in_(prints)))
    return {one.address: one for one in rows}


def ask(session: Session, addresses: Sequence[str], now: datetime, *, anew: bool = False) -> int:
    """Have those fetched that never were, or whose time it is; how many. `anew`: all that were not just now."""
    known, count = rows_of(session, addresses), 0
    for address in sorted(addresses, key=print_of):  # in one order, so that two who ask do not wait for each other
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
    """Whether there is something to fetch."""
    return asked.is_waiting(CheckedLink, now)


def forget_old(session: Session, now: datetime) -> None:
    """Forget addresses that have stood in nothing for a month."""
    session.execute(delete(CheckedLink).where(CheckedLink.used_at < now - KEPT))
