"""Creates the first owner at the first start, with a password that is shown until it is changed."""

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from newsletter import accounts, brand, credentials
from newsletter.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """How to sign in, as text for the banner."""

    words: str


def ensure_owner(session: Session, settings: Settings, now: datetime) -> FirstOwner:
    """Create the owner of a new install, from OWNER_EMAIL and OWNER_PASSWORD or a generated one; say how to sign in."""
    note = settings.data_dir / "first-run-password"
    owner = accounts.first(session)
    if owner is None:
        current_brand = brand.current(session)
        given = settings.owner_password.get_secret_value()
        password = given or "-".join(secrets.token_hex(2) for _ in range(4))
        try:
            owner = credentials.add_owner(
                session, settings.owner_email or current_brand.email, password, now, current_brand.zone
            )
        except accounts.WeakPassword as error:
            raise SettingsError(f"OWNER_PASSWORD: {error}") from None
        if not given:
            _write_private(note, password)
    if note.exists():
        password = note.read_text().strip()
        if owner.has_password(password):
            return FirstOwner(f"{owner.email}   first-run password: {password}")
        note.unlink()
    return FirstOwner(f"{owner.email}   (forgotten? `newsletter owner reset-password {owner.email}`)")


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
