"""What a link that works once rests on: a row, and random bits of which the row keeps the hash."""

import secrets
from hashlib import sha256
from typing import Self

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Id

Numbers = tuple[int, int, int]
"""The row, and 128 random bits. A link holds them signed: to make one takes these bits and the product's key."""


class OneTimeLink:
    """A row that a link is for."""

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), default="")

    def fresh(self) -> tuple[int, int]:
        """Random bits for a new link; those before are good for nothing."""
        random = (secrets.randbits(64), secrets.randbits(64))
        self.token_hash = _hashed(random)
        return random

    @classmethod
    def found(cls, session: Session, numbers: tuple[int, ...]) -> Self | None:
        """The row that these numbers are for, locked and read anew; None: there is none (any more)."""
        if len(numbers) != 3 or numbers[0] >= 2**63:
            return None
        row = session.get(cls, numbers[0], with_for_update=True, populate_existing=True)
        genuine = row is not None and secrets.compare_digest(row.token_hash, _hashed((numbers[1], numbers[2])))
        return row if genuine else None


def _hashed(random: tuple[int, int]) -> str:
    return sha256(b"%016x%016x" % random).hexdigest()
