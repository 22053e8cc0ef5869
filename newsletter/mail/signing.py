"""SigningKey: which key signs under which DNS name, so that a host with a different key is detected.

DNS holds one public key per name (RFC 6376 §3.6.1). What a host signs with another private key fails at every receiver
and counts as unsigned (§6.1); where the domain enforces DMARC it is refused or treated as spam. So such a host leaves
mail to the others and says why; nothing is lost. It does not send unsigned: an installation signs because its relay
does not, and sent mail cannot be recalled. The first key seen under a name is taken as the right one. A new selector is
a new name, so keys can be rotated while mail goes out. `newsletter dkim adopt` declares that a name's key was changed
on purpose.
"""

import socket
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base
from newsletter.mail.render import Dkim


class SigningKey(Base):
    """The fingerprint of the key under one name."""

    __tablename__ = "signing_keys"

    name: Mapped[str] = mapped_column(String(320), primary_key=True)
    """`<selector>._domainkey.<domain>`, where the public key is published."""
    key_print: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the record published there; the key itself is in no database."""
    since: Mapped[datetime]


HOST = socket.gethostname()[:255]
"""This host's name, by which an owner can find it."""


def other_keys(session: Session, dkim: Dkim | None) -> list[str]:
    """The names under which this host has a key other than the recorded one."""
    return _others(prints(dkim), _known(session, prints(dkim))) if dkim else []


def settle(session: Session, dkim: Dkim | None, now: datetime) -> list[str]:
    """The same as `other_keys`, but first record keys whose names are new."""
    if dkim is None:
        return []
    ours = prints(dkim)
    known = _known(session, ours)
    if fresh := ours.keys() - known.keys():
        note_first(session, {name: ours[name] for name in sorted(fresh)}, now)
        known = _known(session, ours)
    return _others(ours, known)


def _known(session: Session, ours: Mapping[str, str]) -> dict[str, str]:
    look = select(SigningKey.name, SigningKey.key_print).where(SigningKey.name.in_(ours))
    return dict(session.execute(look).all())


def _others(ours: Mapping[str, str], known: Mapping[str, str]) -> list[str]:
    return sorted(name for name, key_print in known.items() if key_print != ours[name])


def signing_keys(session: Session) -> Sequence[SigningKey]:
    """Every key that was generated or used, oldest first."""
    return session.scalars(select(SigningKey).order_by(SigningKey.since, SigningKey.name)).all()


def is_known(session: Session, name: str) -> bool:
    """Whether a key is recorded under this name, from this host or another."""
    return session.get(SigningKey, name) is not None


def adopt(session: Session, dkim: Dkim, now: datetime) -> None:
    """Record this host's keys as the right ones, replacing any under their names."""
    names = list(prints(dkim))
    session.execute(delete(SigningKey).where(SigningKey.name.in_(names)))
    note_first(session, prints(dkim), now)


def prints(dkim: Dkim) -> dict[str, str]:
    """The fingerprint of each signing key by its DNS name."""
    return {key.host(dkim.domain): sha256(key.record.encode()).hexdigest() for key in dkim.keys}


def note_first(session: Session, fresh: Mapping[str, str], now: datetime) -> None:
    """Record keys under new names; where another host was faster, its key stays."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [{"name": name, "key_print": key_print, "since": now} for name, key_print in fresh.items()]
    if rows:
        session.execute(dialect.insert(SigningKey).values(rows).on_conflict_do_nothing())
