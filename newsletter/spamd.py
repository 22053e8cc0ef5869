"""A client of spamd, SpamAssassin's server: a mail goes in, points and the rules that hit come back (SPAMC/1.5).

Nothing is mailed. TELL, by which spamd is taught, is never said; whether it learns by itself is its own setting
(`bayes_auto_learn`).
"""

import math
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address

PORT = 783
"""Where spamd listens, unless somebody says otherwise."""
PATIENCE = 10.0
"""Seconds for one mail, from the first word to the last."""
LARGEST = 500_000
"""Octets of a mail; what is larger, `spamc` and most servers do not have looked at either."""
LONGEST_ANSWER = 200_000
"""Octets that are read of an answer."""
MOST_RULES, LONGEST_WORDS = 100, 300
_PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_STATUS = re.compile(rb"SPAMD/\d+\.\d+ (\d{1,3}) ?([^\r\n]*)")
_POINTS = re.compile(r"(?:True|Yes|False|No) *; *(-?\d+(?:\.\d+)?) */ *(-?\d+(?:\.\d+)?)", re.IGNORECASE)
_LINE = re.compile(r" ?(?P<points>[ -]?\d{1,4}(?:\.\d{1,3})?) (?P<name>[A-Z_][A-Z0-9_]{2,})(?: +(?P<means>\S.*))?")
_GOES_ON = re.compile(r" {20,}(\S.*)")


class Trouble(StrEnum):
    """Why there are no points."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"
    """No whole answer in time."""
    BROKEN = "broken"
    """What came is no answer of spamd's, or half of one."""
    REFUSED = "refused"
    """spamd said that it could not."""
    TOO_LARGE = "too_large"


class NoPoints(Exception):
    """There are no points. `said`: what the system or spamd said, "" for nothing."""

    def __init__(self, trouble: Trouble, said: str = "") -> None:
        super().__init__(trouble.value, said)
        self.trouble, self.said = trouble, said[:LONGEST_WORDS]


@dataclass(frozen=True, slots=True)
class Place:
    """Where spamd listens: a host and a port, or a Unix socket."""

    host: str = ""
    port: int = PORT
    path: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that hit; `means` are SpamAssassin's own words."""

    points: float
    name: str
    means: str


@dataclass(frozen=True, slots=True)
class Scored:
    """What a mail got, and from how many points on it would be called spam."""

    points: float
    threshold: float
    hits: tuple[Hit, ...]


def read_place(given: str) -> Place:
    """What a setting names: host:port, host, or a path. Raises ValueError with an example."""
    if given.startswith("/") and len(given.encode()) < 108:  # the longest name of a socket on Linux (unix(7))
        return Place(path=given)
    found = _PLACE.fullmatch(given)
    port = int(found["port"] or PORT) if found else 0
    if not found or not 0 < port < 65536 or not _is_host(found["host"]):
        raise ValueError("should be spamd's host and port, for example 127.0.0.1:783, or the path of its socket")
    return Place(host=found["host"].strip("[]"), port=port)


def checked_place(given: str) -> str:
    """The same setting, if it names a place. Raises ValueError with an example."""
    if given:
        read_place(given)
    return given


def _is_host(host: str) -> bool:
    if not host.startswith("["):
        return True
    try:
        return ip_address(host.strip("[]")).version == 6
    except ValueError:
        return False


def score(place: Place, mail: bytes, patience: float = PATIENCE) -> Scored:
    """What spamd says of a mail, within `patience` seconds. Raises NoPoints."""
    if len(mail) > LARGEST:
        raise NoPoints(Trouble.TOO_LARGE)
    until = time.monotonic() + patience
    try:
        with _connected(place, patience) as link:
            link.settimeout(_left(until))
            link.sendall(b"REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n%b" % (len(mail), mail))
            link.shutdown(socket.SHUT_WR)
            answer = _answer(link, until)
    except TimeoutError:
        raise NoPoints(Trouble.SILENT) from None
    except (ConnectionResetError, BrokenPipeError) as error:
        raise NoPoints(Trouble.BROKEN, error.strerror or "") from None
    except (OSError, UnicodeError) as error:  # the name of a host may be none
        raise NoPoints(Trouble.UNREACHABLE, getattr(error, "strerror", "") or "") from None
    return _read(answer)


def _connected(place: Place, patience: float) -> socket.socket:
    if not place.path:
        return socket.create_connection((place.host, place.port), timeout=patience)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.settimeout(patience)
        link.connect(place.path)
    except BaseException:
        link.close()
        raise
    return link


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _answer(link: socket.socket, until: float) -> bytes:
    """All that comes, to its end. Raises TimeoutError, NoPoints."""
    answer = bytearray()
    while True:
        link.settimeout(_left(until))
        more = link.recv(65536)
        if not more:
            return bytes(answer)
        answer += more
        if len(answer) > LONGEST_ANSWER:
            raise NoPoints(Trouble.BROKEN)


def _read(answer: bytes) -> Scored:
    head, gap, body = answer.partition(b"\r\n\r\n")
    status = _STATUS.match(head)
    if status is None:
        raise NoPoints(Trouble.BROKEN)
    if int(status[1]):
        raise NoPoints(Trouble.REFUSED, _printable(status[2].decode("utf-8", "replace")))
    fields = dict(_fields(head))
    points = _POINTS.fullmatch(fields.get("spam", ""))
    length = fields.get("content-length", "")
    if not gap or points is None or (length and length != str(len(body))):
        raise NoPoints(Trouble.BROKEN)
    got, threshold = float(points[1]), float(points[2])
    if not (math.isfinite(got) and math.isfinite(threshold)):  # of three hundred digits
        raise NoPoints(Trouble.BROKEN)
    return Scored(got, threshold, tuple(_hits(body.decode("utf-8", "replace")))[:MOST_RULES])


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.decode("ascii", "replace").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()


def _hits(report: str) -> Iterator[Hit]:
    """The table at the report's end: points, rule, words. Words that need more lines stand further right in these."""
    hit: Hit | None = None
    table = re.split(r"^-{4} -{4,}.*$", report, flags=re.MULTILINE)[-1]  # what is quoted of the mail stands above
    for line in table.splitlines():
        if found := _LINE.fullmatch(line.rstrip()):
            if hit:
                yield hit
            hit = Hit(float(found["points"]), found["name"], _printable(found["means"] or ""))
        elif hit and (more := _GOES_ON.fullmatch(line.rstrip())):
            hit = Hit(hit.points, hit.name, f"{hit.means} {_printable(more[1])}".strip()[:LONGEST_WORDS])
    if hit:
        yield hit


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)[:LONGEST_WORDS]
