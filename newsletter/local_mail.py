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
        parsed = parse(raw)
        said = header_of(parsed, "from"), header_of(parsed, "subject")
        rows = [(readable(sender), readable(to), *said, at.timestamp(), raw) for to in recipients]
        with self._open() as database:
            database.executemany(
                "INSERT INTO messages (sender, recipient, from_, subject, received_at, raw) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )

    def entries(self, to: str = "", newest: int | None = None, *, is_part: bool = False) -> list[Entry]:
        """The messages to an address (all when empty), oldest first; or only so many of the newest, newest first.

        `is_part`: `to` is any part of an address.
        """
        fits = "instr(lower(recipient), lower(?)) > 0" if is_part else "recipient = ? COLLATE NOCASE"
        where, values = (f"WHERE {fits}", [to]) if to else ("", [])
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
    return Entry(id=id, from_=from_, to=to, subject=subject, received_at=datetime.fromtimestamp(at, UTC), size=size)


def _names(address: str, to: str, raw: bytes) -> bool:
    wanted = address.lower()
    if to.lower() == wanted or wanted.encode() in raw.lower():
        return True
    texts = [part for part in parse(raw).walk() if not part.is_multipart()]
    return any(wanted in _decoded(part).lower() for part in texts)


def _decoded(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001 - see below
        payload = None
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def parse(raw: bytes) -> EmailMessage:
    """The message as the standard library reads it."""
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# The standard library raises what it likes on odd mail (LookupError, IndexError, TypeError, HeaderParseError …). A
# mailbox shows what there is: a part or header that cannot be read is shown as its octets are.


def readable(text: str) -> str:
    """Without halves of characters, which can be neither stored nor shown."""
    return text.encode("utf-8", "replace").decode()


def header_of(parsed: EmailMessage, name: str) -> str:
    """The first header of this name, decoded; as it stands in the mail where it cannot be; empty: there is none."""
    found = next((raw for key, raw in parsed.raw_items() if key.lower() == name), "")
    return _header(parsed, name, found)


def headers_of(parsed: EmailMessage) -> list[tuple[str, str]]:
    """Every header in its order."""
    return [(readable(name), _header(parsed, name, raw)) for name, raw in parsed.raw_items()]


def _header(parsed: EmailMessage, name: str, raw: Any) -> str:
    try:
        return readable(str(parsed.policy.header_fetch_parse(name, raw)))
    except Exception:  # noqa: BLE001 - see above
        return readable(str(raw))


def body_of(parsed: EmailMessage, kind: str) -> str | None:
    """The text of a mail's plain or html part; None: it has none."""
    try:
        part = parsed.get_body((kind,))
    except Exception:  # noqa: BLE001 - see above
        return None
    if part is None:
        return None
    try:
        return readable(str(part.get_content()))
    except Exception:  # noqa: BLE001 - see above
        return _decoded(part)


def files_of(parsed: EmailMessage) -> list[tuple[str, int]]:
    """The attachments: name and octets."""
    try:
        parts = list(parsed.iter_attachments())
    except Exception:  # noqa: BLE001 - see above
        return []
    return [_file(part) for part in parts]


def _file(part: Message) -> tuple[str, int]:
    try:
        return readable(part.get_filename() or "attachment"), len(part.get_payload(decode=True) or b"")
    except Exception:  # noqa: BLE001 - see above
        return "attachment", 0
