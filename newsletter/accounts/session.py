"""OwnerSession: a browser signed in to the owner's area. The cookie holds a random token, the database its hash."""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ForeignKey, String, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, joinedload, mapped_column, relationship

from newsletter.accounts.user import Owner
from newsletter.db import Base, Id

IDLE = timedelta(hours=12)
"""An unused session expires after this."""
LONGEST = timedelta(days=14)
"""Every session expires after this, however much it is used."""
PROVEN_FOR = timedelta(minutes=10)
"""How long a typed password also covers actions that ask for it again."""
SEEN_EVERY = timedelta(minutes=1)
"""How often `last_seen_at` is written at most, so that viewing pages stays read-only."""
LONGEST_CLIENT = 200


class OwnerSession(Base):
    """One browser. Ending the session deletes the row; the audit log keeps the sign-in."""

    __tablename__ = "sessions"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 is enough for 256 random bits, and fast: every page looks it up."""
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    proven_at: Mapped[datetime]
    """When the password was last typed."""
    client: Mapped[str] = mapped_column(String(LONGEST_CLIENT), default="")
    """The User-Agent header as received."""
    ip: Mapped[str | None] = mapped_column(String(45))

    owner: Mapped[Owner] = relationship()

    @classmethod
    def start(cls, session: Session, owner: Owner, now: datetime, client: str = "",
              ip: str | None = None) -> "tuple[OwnerSession, str]":  # fmt: skip
        """A new session for somebody who just typed their password, and the token for the cookie."""
        token = secrets.token_urlsafe(32)
        started = cls(
            owner=owner, token_hash=_hashed(token), created_at=now, last_seen_at=now, proven_at=now,
            client=client[:LONGEST_CLIENT], ip=ip,
        )  # fmt: skip
        owner.signed_in_at = now
        session.add(started)
        session.flush()
        return started, token

    @classmethod
    def of(cls, session: Session, token: str, now: datetime) -> "OwnerSession | None":
        """The live session with this token, or None; also None once its owner left the team."""
        look = select(cls).options(joinedload(cls.owner, innerjoin=True)).where(cls.token_hash == _hashed(token))
        found = session.scalars(look).first()
        return None if found is None or found.is_over(now) or found.owner.removed_at else found

    @classmethod
    def every(cls, session: Session, owner_id: int, now: datetime) -> list["OwnerSession"]:
        """An owner's live sessions, the most recently used first."""
        look = select(cls).where(cls.owner_id == owner_id).order_by(cls.last_seen_at.desc(), cls.id.desc())
        return [one for one in session.scalars(look) if not one.is_over(now)]

    def is_over(self, now: datetime) -> bool:
        """Whether it has been idle for too long, or is too old."""
        return now - self.last_seen_at > IDLE or now - self.created_at > LONGEST

    def is_proven(self, now: datetime) -> bool:
        """Whether the password was typed recently enough not to ask again."""
        return now - self.proven_at <= PROVEN_FOR

    def is_seen_lately(self, now: datetime) -> bool:
        """Whether `see` would write nothing."""
        return now - self.last_seen_at < SEEN_EVERY


def see(session: Session, id: int, now: datetime) -> None:
    """Record that a session is in use, at most once per `SEEN_EVERY`."""
    session.execute(
        update(OwnerSession)
        .where(OwnerSession.id == id, OwnerSession.last_seen_at <= now - SEEN_EVERY)
        .values(last_seen_at=now)
    )


def prove(session: Session, id: int, now: datetime) -> None:
    """Record that the password was just typed in this session."""
    session.execute(update(OwnerSession).where(OwnerSession.id == id).values(proven_at=now))


def end(session: Session, owner_id: int, id: int) -> bool:
    """End one session of an owner; False if they have no such session."""
    gone = delete(OwnerSession).where(OwnerSession.id == id, OwnerSession.owner_id == owner_id)
    return bool(session.execute(gone.returning(OwnerSession.id)).first())


def end_all(session: Session, owner_id: int, but: int | None = None) -> int:
    """End an owner's sessions, all or all but one; returns how many."""
    gone = delete(OwnerSession).where(OwnerSession.owner_id == owner_id)
    if but is not None:
        gone = gone.where(OwnerSession.id != but)
    return len(session.execute(gone.returning(OwnerSession.id)).all())


def forget_ips(session: Session, before: datetime) -> None:
    """Clear the clients' addresses in sessions begun before this."""
    old = update(OwnerSession).where(OwnerSession.ip.is_not(None), OwnerSession.created_at < before)
    session.execute(old.values(ip=None).execution_options(synchronize_session=False))


def sweep(session: Session, now: datetime) -> None:
    """Delete expired sessions."""
    over = or_(OwnerSession.last_seen_at < now - IDLE, OwnerSession.created_at < now - LONGEST)
    session.execute(delete(OwnerSession).where(over))


def _hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
