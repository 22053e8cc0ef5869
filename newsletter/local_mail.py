"""Where the local mailbox keeps its messages: one SQLite file beside the product's own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

FILE = "mailbox.sqlite3"
"""Its name in the data folder."""
TABLE = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    from_ TEXT NOT NULL,
    subject TEXT NOT NULL,
    received_at REAL NOT NULL,
    raw BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_recipient ON messages (recipient);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message in a list. `to` is whom the envelope names."""

    id: int
    from_: str
    to: str
    subject: str
    received_at: datetime
    size: int


class Store:
    """Opened by several threads; each call has a connection of its own."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.executescript(TABLE)

    def add(self, sender: str, recipients: list[str], raw: bytes, at: datetime) -> None:
        """Keep a message, once for each recipient."""
        parsed = _headers(raw)
        rows = [(sender, to, parsed["from"], parsed["subject"], at.timestamp(), raw) for to in recipients]
        with self._open() as database:
            database.executemany(
                "INSERT INTO messages (sender, recipient, from_, subject, received_at, raw) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def entries(self, to: str = "", newest: int | None = None) -> list[Entry]:
        """The messages to an address (all when empty), oldest first; or only so many of the newest, newest first."""
        where, values = ("WHERE recipient = ? COLLATE NOCASE", [to]) if to else ("", [])
        order = "ORDER BY id" if newest is None else f"ORDER BY id DESC LIMIT {int(newest)}"
        with self._open() as database:
            rows = database.execute(
                f"SELECT id, from_, recipient, subject, received_at, length(raw) FROM messages {where} {order}",  # noqa: S608
                values,
            ).fetchall()
        return [_entry(row) for row in rows]

    def total(self) -> int:
        """How many messages there are."""
        with self._open() as database:
            return int(database.execute("SELECT count(*) FROM messages").fetchone()[0])

    def find(self, id: int) -> tuple[Entry, bytes] | None:
        """One message with its raw bytes."""
        with self._open() as database:
            row = database.execute(
                "SELECT id, from_, recipient, subject, received_at, length(raw), raw FROM messages WHERE id = ?", [id]
            ).fetchone()
        return (_entry(row), row[6]) if row else None

    def forget(self, address: str) -> int:
        """Delete every message to an address, and every other that names it; how many. Nothing of them stays.

        All of them are read for that: it is the mailbox of one machine, and this is rarely asked for.
        """
        with self._open() as database:
            rows = database.execute("SELECT id, recipient, raw FROM messages")
            gone = [(id,) for id, to, raw in rows if _names(address, to, raw)]
            database.executemany("DELETE FROM messages WHERE id = ?", gone)
        with closing(sqlite3.connect(self._file, timeout=20)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(gone)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=20)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA secure_delete = ON")
            database.execute("PRAGMA synchronous = OFF")  # a toy inbox: speed before a power cut
            with database:
                yield database


def _entry(row: tuple[Any, ...]) -> Entry:
    id, from_, to, subject, at, size = row[:6]
    return Entry(id, from_, to, subject, datetime.fromtimestamp(at, UTC), size)


def _names(address: str, to: str, raw: bytes) -> bool:
    wanted = address.lower()
    if to.lower() == wanted or wanted.encode() in raw.lower():
        return True
    texts = [part for part in parse(raw).walk() if part.get_content_maintype() == "text"]
    return any(wanted in _decoded(part).lower() for part in texts)


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def parse(raw: bytes) -> EmailMessage:
    """The message as the standard library reads it."""
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def _headers(raw: bytes) -> dict[str, str]:
    parsed = parse(raw)
    return {name: str(parsed.get(name, "")) for name in ("from", "subject")}
