"""What settings about mail may say: relays, the return path, and the inboxes that are read."""

import re
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from newsletter.networks import is_loopback

_RETURN_PATH = re.compile(
    r"(?!\*?@.*\*)(?=[^@]{1,64}@)[\w.!#$%&'/=?^`{|}~+-]*\*?[\w.!#$%&'/=?^`{|}~+-]*@([\w-]+\.)+[\w-]+", re.A
)
INBOX_FORM = "imaps://user:password@imap.example.org/INBOX"
_PORTS = {"imaps": 993, "imap": 143}


class InboxUrl(NamedTuple):
    """A mailbox that is read, as one entry of INBOX_URL names it."""

    host: str
    port: int
    user: str
    password: str
    folder: str
    is_encrypted: bool

    @property
    def name(self) -> str:
        """What a person knows it by, without the password."""
        return f"{self.user} at {self.host}:{self.port}, {self.folder}"


def checked_relays(value: str) -> str:
    """Check SMTP_URL as far as it can be checked without reading it (`smtp.parse_relays`)."""
    for one in filter(None, (part.strip() for part in value.split(","))):
        if not one.startswith(("smtp://", "smtps://")) or not urlsplit(one).hostname:
            raise ValueError("should be smtp://user:password@host:587 or smtps://…, several separated by commas")
    return value


def checked_return_path(value: str) -> str:
    """Check RETURN_PATH."""
    if value and not _RETURN_PATH.fullmatch(value):
        raise ValueError("should be an address that your provider lets you send from, for example "
                         "bounces@example.org; or bounces+*@example.org, where each mail has its own")  # fmt: skip
    return value


def checked_inboxes(value: str) -> str:
    """Check INBOX_URL."""
    parse_inboxes(value)
    return value


def parse_inboxes(value: str) -> list[InboxUrl]:
    """Read INBOX_URL: one inbox, or several separated by commas. ValueError says what is wrong, without a password."""
    return [_inbox(one) for one in filter(None, (part.strip() for part in value.split(",")))]


def _inbox(one: str) -> InboxUrl:
    try:
        url = urlsplit(one)
        port = url.port
    except ValueError:
        raise ValueError(_advice("its host or port cannot be read")) from None
    if url.scheme not in _PORTS or not url.hostname:
        raise ValueError(_advice("it should begin with imaps:// and name a host"))
    if url.scheme == "imap" and not is_loopback(url.hostname):
        raise ValueError(_advice("imap:// sends the password in clear, and is for this machine only"))
    user, password = _login(url)
    return InboxUrl(host=url.hostname, port=port or _PORTS[url.scheme], user=user, password=password,
                    folder=_folder(url), is_encrypted=url.scheme == "imaps")  # fmt: skip


def _login(url: SplitResult) -> tuple[str, str]:
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if not user or not password:
        raise ValueError(_advice("the user's name and password are missing"))
    if not (user + password).isprintable():
        raise ValueError(_advice("the name or password holds a character that cannot be sent"))
    return user, password


def _folder(url: SplitResult) -> str:
    folder = unquote(url.path.strip("/")) or "INBOX"
    if not folder.isascii() or not folder.isprintable() or url.query or url.fragment:
        raise ValueError(_advice("the folder should be a plain name"))
    return folder


def _advice(what: str) -> str:
    return f"should be {INBOX_FORM}, several separated by commas; {what}. Percent-encode special characters (@ is %40)"
