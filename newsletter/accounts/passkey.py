"""Passkey: a key on a device, in a browser or on a stick that signs a team member in; and the challenges it signs.

A challenge is good once, for five minutes. It travels in the browser's cookie; the database keeps the unused ones.
"""

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import BigInteger, ForeignKey, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id

LONGEST_NAME = 80
LONGEST_ID = 1364
"""Of a credential's id: 1,023 octets (WebAuthn Level 3 §5.8.3) as base64url."""
LONGEST_KEY = 2000
MOST = 20
"""Passkeys per person."""
GOOD_FOR = timedelta(minutes=5)


class Passkey(Base):
    """One passkey. Nothing here is secret: only the public key is kept."""

    __tablename__ = "passkeys"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(String(LONGEST_ID), unique=True)
    """As base64url without padding, as browsers write it."""
    public_key: Mapped[str] = mapped_column(String(LONGEST_KEY))
    """A COSE key (RFC 9052 §7), as base64url."""
    sign_count: Mapped[int] = mapped_column(BigInteger, default=0)
    """The last signature counter; most synced passkeys always report 0."""
    rp_id: Mapped[str] = mapped_column(String(255))
    """The domain it was made for; browsers do not offer it on another one."""
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)

    def goes_back(self, count: int) -> bool:
        """Whether the counter failed to advance, a sign that the key was cloned (WebAuthn §6.1.1)."""
        return bool(count or self.sign_count) and count <= self.sign_count


class PasskeyChallenge(Base):
    """An unanswered challenge. The first answer deletes the row."""

    __tablename__ = "passkey_challenges"

    challenge_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime]


def new_challenge(session: Session, now: datetime) -> str:
    """A challenge of 256 random bits as base64url, good for one answer within `GOOD_FOR`."""
    challenge = secrets.token_urlsafe(32)
    session.add(PasskeyChallenge(challenge_hash=_hashed(challenge), created_at=now))
    return challenge


def take_challenge(session: Session, challenge: str, now: datetime) -> bool:
    """Consume a challenge; False if it was used, expired or never issued."""
    gone = delete(PasskeyChallenge).where(PasskeyChallenge.challenge_hash == _hashed(challenge))
    made = session.execute(gone.returning(PasskeyChallenge.created_at)).scalar()
    return made is not None and now - made <= GOOD_FOR


def sweep(session: Session, now: datetime) -> None:
    """Delete expired challenges."""
    session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.created_at < now - GOOD_FOR))


def _hashed(challenge: str) -> str:
    return sha256(challenge.encode()).hexdigest()
