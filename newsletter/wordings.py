"""Wordings: the sentences that people read before they pressed, each text one row that consents and events point at.

A million people agree to the same few sentences. No wording is about one person: no name, no address and nothing that a
reader typed is filled into one, so a wording stays when those who read it are erased, and when nobody points at it any
more. What an owner types about one person is no wording; it stands in that person's event (`Event.reason`).
"""

from hashlib import sha256
from typing import cast

from sqlalchemy import String, Table, Text, UniqueConstraint, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id, without


class Wording(Base):
    """One text as it was read. Rows are only added: what somebody agreed to never changes (but for `forget`)."""

    __tablename__ = "wordings"
    __table_args__ = (UniqueConstraint("digest", "version"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the words in hexadecimal digits: an index of PostgreSQL takes no text of more than 2,700 octets. None
    where an erased address was taken out: nobody reads these words any more."""
    version: Mapped[str] = mapped_column(String(16))
    """Its name in a record of consent: the fingerprint of the words, or what earlier versions raised by hand."""
    words: Mapped[str] = mapped_column(Text)

    def forget(self, address: str) -> None:
        """Take an erased address out that an owner typed into the basis of an import."""
        self.words, self.digest = without(address, self.words), None
        self.version = fingerprint(self.words)


def fingerprint(*words: str) -> str:
    """Sixteen digits that tell these words from any others. A form sends back those of what stood beside it."""
    return _digest(*words)[:16]


def _digest(*words: str) -> str:
    return sha256("\n".join(words).encode()).hexdigest()


def wording_id(session: Session, words: str) -> int:
    """The number of the wording with these words; it is added where they are new.

    Two transactions that add the same words at once get the same number: the second waits for the first. So whoever
    adds several in one transaction does so in an order that others follow too.
    """
    digest = _digest(words)
    known = select(Wording.id).where(Wording.digest == digest).order_by(Wording.id).limit(1)
    with session.no_autoflush:  # what waits to be written changes nothing here
        return session.scalar(known) or _added(session, words, digest) or session.scalars(known).one()


def _added(session: Session, words: str, digest: str) -> int | None:
    """The number of a new row; None: another transaction was quicker."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    put = dialect.insert(cast("Table", Wording.__table__)).values(digest=digest, version=digest[:16], words=words)
    added: int | None = session.scalar(put.on_conflict_do_nothing().returning(Wording.id))
    return added
