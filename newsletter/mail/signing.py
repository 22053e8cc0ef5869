"""SigningKey: which key signs mail under which name in DNS, so that a host with another key is found out.

Under one name DNS holds one public key (RFC 6376 §3.6.1). What a host signs with another private key fails at every
receiver, which is then no better than a mail without a signature (§6.1), and where the domain asks for DMARC it is
refused or lands among spam. So such a host leaves mail to the others and says why; nothing is lost by that. It does not
send unsigned: a house that signs here does so because its relay does not, and what has gone out cannot be taken back.
The first key that is seen under a name is taken as the right one. Another name (a new selector) is another key: that is
how a key is changed while mail goes out. `newsletter dkim adopt` says that the key of a name was changed on purpose.
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
    """The key of one name."""

    __tablename__ = "signing_keys"

    name: Mapped[str] = mapped_column(String(320), primary_key=True)
    """`<selector>._domainkey.<domain>`, at which its public half is published."""
    key_print: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the record that is published there; the key itself is in no database."""
    since: Mapped[datetime]


HOST = socket.gethostname()[:255]
"""What this host calls itself: by that an owner finds it."""


def other_keys(session: Session, dkim: Dkim | None) -> list[str]:
    """The names under which this host would sign with another key than is known."""
    return _others(prints(dkim), _known(session, prints(dkim))) if dkim else []


def settle(session: Session, dkim: Dkim | None, now: datetime) -> list[str]:
    """The same; a key that is the first under its name is written down as the right one."""
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
    """Every key that was made or used, the first first."""
    return session.scalars(select(SigningKey).order_by(SigningKey.since, SigningKey.name)).all()


def is_known(session: Session, name: str) -> bool:
    """Whether there is a key under this name, here or on another host."""
    return session.get(SigningKey, name) is not None


def adopt(session: Session, dkim: Dkim, now: datetime) -> None:
    """Take this host's keys as the right ones from now on, whatever was under their names before."""
    names = list(prints(dkim))
    session.execute(delete(SigningKey).where(SigningKey.name.in_(names)))
    note_first(session, prints(dkim), now)


def prints(dkim: Dkim) -> dict[str, str]:
    """The fingerprint of each key that signs, by its name in DNS."""
    return {key.host(dkim.domain): sha256(key.record.encode()).hexdigest() for key in dkim.keys}


def note_first(session: Session, fresh: Mapping[str, str], now: datetime) -> None:
    """Write down keys that are the first under their names; where another host was faster, its own stay."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [{"name": name, "key_print": key_print, "since": now} for name, key_print in fresh.items()]
    if rows:
        session.execute(dialect.insert(SigningKey).values(rows).on_conflict_do_nothing())
