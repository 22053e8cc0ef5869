"""Brand: whose newsletter this is. One row, first filled from `site.toml`, the owner's to edit afterwards."""

import tomllib
from pathlib import Path
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from newsletter import characters
from newsletter.db import Base, Id


class Brand(Base):
    """The name, the sender and the postal address that every page and mail carries."""

    __tablename__ = "brand"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(120))
    strapline: Mapped[str] = mapped_column(String(200), default="")
    author: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    """The From address."""
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(String(400), default="")
    """Postal address, one line of it a line. Bulk mail refuses to go without (CAN-SPAM, 16 CFR 316)."""
    website: Mapped[str] = mapped_column(String(200), default="")
    zone: Mapped[str] = mapped_column(String(64), default="Europe/London")
    language: Mapped[str] = mapped_column(String(16), default="en-GB")
    key_print: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """Of the key that links in its mails are signed with (`Signer.key_print`); "" before the first start."""

    @validates("name", "strapline", "author", "email", "phone", "address", "website", "zone", "language")
    def _clean(self, name: str, typed: str) -> str:
        return characters.text(typed) if name == "address" else characters.line(typed)

    def is_signed_with(self, key_print: str) -> bool:
        """Whether links made with the key of this print are ours. A host with another key must not send: nobody could
        leave by its mails."""
        return self.key_print in ("", key_print)

    @property
    def address_lines(self) -> list[str]:
        """The postal address, line by line."""
        return [line.strip() for line in self.address.splitlines() if line.strip()]

    @property
    def address_line(self) -> str:
        """Name and postal address on one line."""
        return ", ".join([self.name, *self.address_lines])

    @property
    def sender(self) -> str:
        """The name that stands in From."""
        return f"{self.author} at {self.name}" if self.author else self.name


def read_site(path: Path) -> dict[str, Any]:
    """The data of `site.toml`: `brand` and `guides`."""
    with path.open("rb") as file:
        return tomllib.load(file)


def current(session: Session) -> Brand:
    """The brand; the database has one from the first migration on."""
    return session.get_one(Brand, 1)


def from_site(data: dict[str, Any]) -> Brand:
    """A Brand filled from the `[brand]` table of `site.toml`."""
    brand = dict(data["brand"])
    return Brand(id=1, address="\n".join([*brand.pop("address", []), brand.pop("country", "")]).strip(), **{
        key: brand[key] for key in ("name", "strapline", "author", "email", "phone", "website", "zone", "language")
    })  # fmt: skip
