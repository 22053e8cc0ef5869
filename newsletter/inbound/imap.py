"""IMAP client for one mailbox (RFC 9051), with limits on everything the server may send."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from newsletter.feedback import InboxTrouble
from newsletter.mail.incoming import LARGEST
from newsletter.mail_settings import InboxUrl

TIMEOUT = 10.0
"""Seconds per response."""
KEYWORD = "$Newsletter"
"""Set beside \\Seen on mails we processed, if the server supports keywords."""
SEEN = "(\\Seen)"
_UID = re.compile(rb"\d{1,10}")
_BROKEN = (imaplib.IMAP4.abort, EOFError, ValueError, IndexError, TypeError, AttributeError, KeyError)
"""What `imaplib` raises for malformed responses."""


class InboxError(Exception):
    """An inbox cannot be read: `trouble` says why, the message quotes the server."""

    def __init__(self, trouble: InboxTrouble, words: str) -> None:
        super().__init__(" ".join(words.split())[:200] or trouble.value)
        self.trouble = trouble


class Mailbox:
    """An open mailbox. Its methods raise InboxError."""

    def __init__(self, client: imaplib.IMAP4) -> None:
        self._client = client
        self.uid_validity = 0
        self._flags = SEEN

    def select(self, folder: str) -> Self:
        """Open a folder and read its UIDVALIDITY."""
        quoted = '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'
        kind, data = self._client.select(quoted)
        if kind != "OK":
            raise InboxError(InboxTrouble.FOLDER, _words(data))
        validity = _first(self._client.response("UIDVALIDITY")[1])
        self.uid_validity = int(validity) if _UID.fullmatch(validity) else 0
        if rb"\*" in _first(self._client.response("PERMANENTFLAGS")[1]):
            self._flags = f"(\\Seen {KEYWORD})"
        return self

    def unread(self, after: int, most: int) -> list[int]:
        """At most `most` UIDs of unread mails greater than `after`, oldest first."""
        with broken():
            kind, data = self._client.uid("SEARCH", "UNSEEN", "UID", f"{after + 1}:*")
        if kind != "OK":
            raise InboxError(InboxTrouble.BROKEN, _words(data))
        # "n:*" always includes the last mail, even if its UID is smaller (RFC 9051 §9, seq-range).
        found = sorted({int(one) for one in _UID.findall(_first(data))})
        return [one for one in found if one > after][:most]

    def fetch(self, uid: int) -> bytes | None:
        """The first `LARGEST` octets of a mail, without marking it read; None if it is gone."""
        with broken():
            kind, data = self._client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LARGEST}>)")
        if kind != "OK":
            raise InboxError(InboxTrouble.BROKEN, _words(data))
        whole = [one[1] for one in data if isinstance(one, tuple) and len(one) > 1]
        return whole[0][:LARGEST] if whole else None

    def mark(self, uid: int) -> None:
        """Mark a mail as read and as processed by us."""
        with broken():
            kind, _ = self._client.uid("STORE", str(uid), "+FLAGS.SILENT", self._flags)
            if kind != "OK" and self._flags != SEEN:  # it announced keywords but refuses ours
                self._flags = SEEN
                self._client.uid("STORE", str(uid), "+FLAGS.SILENT", SEEN)


@contextmanager
def opened(inbox: InboxUrl) -> Iterator[Mailbox]:
    """Sign in and open the folder. Raises InboxError, here and while it is used."""
    client = _connected(inbox)
    try:
        with broken():
            _sign_in(client, inbox)
            mailbox = Mailbox(client).select(inbox.folder)
        yield mailbox
    finally:
        with suppress(imaplib.IMAP4.error, OSError, *_BROKEN):
            client.logout()
        with suppress(OSError):
            client.shutdown()  # a failed logout leaves the socket open


def _connected(inbox: InboxUrl) -> imaplib.IMAP4:
    try:
        if inbox.is_encrypted:
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(inbox.host, inbox.port, ssl_context=context, timeout=TIMEOUT)
        return imaplib.IMAP4(inbox.host, inbox.port, timeout=TIMEOUT)
    except ssl.SSLError as error:
        raise InboxError(InboxTrouble.TLS, str(error)) from None
    except OSError as error:
        raise InboxError(InboxTrouble.UNREACHABLE, str(error)) from None
    except (imaplib.IMAP4.error, *_BROKEN) as error:
        raise InboxError(InboxTrouble.BROKEN, str(error)) from None


def _sign_in(client: imaplib.IMAP4, inbox: InboxUrl) -> None:
    try:
        if inbox.user.isascii() and inbox.password.isascii():
            client.login(inbox.user, inbox.password)
        else:  # LOGIN is ASCII only (RFC 6855 §5)
            plain = f"\0{inbox.user}\0{inbox.password}".encode()
            client.authenticate("PLAIN", lambda _: plain)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise InboxError(InboxTrouble.LOGIN, _words(error.args)) from None


@contextmanager
def broken() -> Iterator[None]:
    """Turn every failure of the session into an InboxError."""
    try:
        yield
    except (imaplib.IMAP4.error, OSError, *_BROKEN) as error:
        raise InboxError(InboxTrouble.BROKEN, str(error)) from None


def _first(data: Any) -> bytes:
    found = data[0] if data else b""
    return found if isinstance(found, bytes) else b""


def _words(data: Any) -> str:
    found = data[0] if data else ""
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
