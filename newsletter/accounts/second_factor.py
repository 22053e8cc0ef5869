"""The second factor: a code from an authenticator app (RFC 6238) or a passkey; recovery codes for when it is lost."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import pyotp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ForeignKey, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.accounts.passkey import Passkey
from newsletter.accounts.user import Owner
from newsletter.accounts.wait import Patience
from newsletter.db import Base, Id

STEP = 30
"""Seconds for which a code is shown."""
EITHER_WAY = 1
"""Steps by which the phone's clock may be off (RFC 6238 §5.2)."""
CODES = 10
WRONG_CODES = Patience(free=5, longest=timedelta(minutes=15))
"""Reaching this page takes the password, so a stranger cannot lock anybody out here."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without characters that are easily confused."""


class RecoveryCode(Base):
    """A single-use code that replaces the second factor. Stored hashed: 50 random bits, guarded by growing waits."""

    __tablename__ = "recovery_codes"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owners.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column()


def new_secret() -> str:
    """A secret to share with an app: 160 bits in base32 (RFC 4226 §4)."""
    return pyotp.random_base32()


def address(secret: str, owner: str, issuer: str) -> str:
    """The `otpauth://totp/…` URI for the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=owner, issuer_name=issuer)


def sealed(secret: str, keys: Sequence[bytes]) -> str:
    """The secret encrypted for the database, so that a leaked table is not enough. `keys`: newest first."""
    return _fernet(keys).encrypt(secret.encode()).decode()


def opened(kept: str, keys: Sequence[bytes]) -> str | None:
    """The decrypted secret; None if no key fits or it is not one."""
    try:
        return _fernet(keys).decrypt(kept.encode()).decode()
    except InvalidToken:
        return None


def step_of(secret: str, typed: str, now: datetime) -> int | None:
    """The time step this code belongs to, if within `EITHER_WAY` of now, else None."""
    code, here = "".join(typed.split()), int(now.timestamp()) // STEP
    if not (code.isascii() and code.isdigit()):
        return None
    made = pyotp.HOTP(secret)
    near = range(here - EITHER_WAY, here + EITHER_WAY + 1)
    return next((step for step in near if secrets.compare_digest(made.at(step), code)), None)


def switch_on(session: Session, owner: Owner, secret: str, step: int, keys: Sequence[bytes]) -> list[str]:
    """Require codes of an app from now on; returns plain recovery codes. `step`: of the code just typed."""
    owner.totp_secret, owner.totp_step = sealed(secret, keys), step
    return new_codes(session, owner)


def drop_app(session: Session, owner: Owner) -> None:
    """Stop requiring codes of an app. Recovery codes are deleted with the last factor."""
    owner.totp_secret, owner.totp_step = None, 0
    _drop_codes(session, owner)


def drop_passkey(session: Session, owner: Owner, passkey: Passkey) -> None:
    """Remove a passkey. Recovery codes are deleted with the last factor."""
    owner.passkeys.remove(passkey)
    _drop_codes(session, owner)


def switch_off(session: Session, owner: Owner) -> None:
    """Require the password alone: no code, no passkey."""
    for passkey in list(owner.passkeys):
        drop_passkey(session, owner, passkey)
    drop_app(session, owner)


def _drop_codes(session: Session, owner: Owner) -> None:
    if not owner.has_second_factor:
        session.execute(delete(RecoveryCode).where(RecoveryCode.owner_id == owner.id))


def new_codes(session: Session, owner: Owner) -> list[str]:
    """Fresh recovery codes in plain text; replaces the previous ones."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.owner_id == owner.id))
    made = ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2)) for _ in range(CODES)]
    session.add_all(RecoveryCode(owner_id=owner.id, code_hash=_hashed(code), used_at=None) for code in made)
    session.flush()
    return made


def codes_left(session: Session, owner: Owner) -> int:
    """How many recovery codes are unused."""
    look = select(func.count(RecoveryCode.id)).where(RecoveryCode.owner_id == owner.id, RecoveryCode.used_at.is_(None))
    return session.scalar(look) or 0


def accept(session: Session, owner: Owner, typed: str, keys: Sequence[bytes], now: datetime) -> bool:
    """Consume a current code or a recovery code; False if it is neither. The owner's row must be locked."""
    secret = opened(owner.totp_secret or "", keys)
    step = step_of(secret, typed, now) if secret else None
    if step is not None and step > owner.totp_step:
        owner.totp_step = step
        return True
    theirs = select(RecoveryCode).where(RecoveryCode.owner_id == owner.id, RecoveryCode.used_at.is_(None))
    found = session.scalar(theirs.where(RecoveryCode.code_hash == _hashed(typed)))
    if found is not None:
        found.used_at = now
    return found is not None


def _hashed(code: str) -> str:
    plain = "".join(_significant(code.casefold()))
    return sha256(f"recovery:{plain}".encode()).hexdigest()


def _significant(code: str) -> Iterable[str]:
    return (letter for letter in code if letter in _ALPHABET)


def _fernet(keys: Sequence[bytes]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"newsletter second factor").derive(key)
