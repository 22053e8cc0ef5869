"""One-time links: a row that keeps only the hash of the random bits in its link."""

import secrets
from hashlib import sha256
from typing import Self

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Id

Numbers = tuple[int, int, int]
"""Row id and 128 random bits, two integers. Links carry them signed: forging one takes the bits and the secret key."""


class OneTimeLink:
    """Mixin for a row that is reached through a one-time link."""

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), default="")

    def fresh(self) -> tuple[int, int]:
        """Random bits for a new link; invalidates the previous ones."""
        random = (secrets.randbits(64), secrets.randbits(64))
        self.token_hash = _hashed(random)
        return random

    @classmethod
    def found(cls, session: Session, numbers: tuple[int, ...]) -> Self | None:
        """The row for these numbers, locked and re-read, or None."""
        if len(numbers) != 3 or numbers[0] >= 2**63:
            return None
        row = session.get(cls, numbers[0], with_for_update=True, populate_existing=True)
        genuine = row is not None and secrets.compare_digest(row.token_hash, _hashed((numbers[1], numbers[2])))
        return row if genuine else None


def _hashed(random: tuple[int, int]) -> str:
    return sha256(b"%016x%016x" % random).hexdigest()
