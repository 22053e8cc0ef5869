"""Fetcher: gets one URL, following redirects, with limits on size and time."""

import time
import zlib
from collections.abc import Callable, Sequence
from email.message import Message
from http.client import HTTPException, HTTPResponse
from typing import TypeVar
from urllib.parse import urljoin

from newsletter.fetch.connection import connect, seconds_left, send_request
from newsletter.fetch.fetched import NEVER_SEEN, Fetched, Version
from newsletter.fetch.target import Lookup, Target, dns_lookup, target
from newsletter.fetch.trouble import NotFetched, Trouble

PATIENCE = 10.0
"""Seconds for everything, including redirects."""
MOST_REDIRECTS = 5
LARGEST = 5_000_000
"""Octets, both compressed and decompressed."""
PIECE = 65_536
Found = TypeVar("Found", Fetched, int)
_REDIRECTS = (301, 302, 303, 307, 308)
_TROUBLES = {401: Trouble.REFUSED, 403: Trouble.REFUSED, 404: Trouble.GONE, 410: Trouble.GONE, 429: Trouble.REFUSED}


class Unchanged(Exception):
    """The resource is still the version that was seen before."""


class Fetcher:
    """Fetches URLs. `local`: the installation is only reachable on this machine, so a typed URL may name it too.

    Redirects and DNS names of other sites that lead here stay refused.
    """

    def __init__(self, *, local: bool = False, lookup: Lookup = dns_lookup) -> None:
        self._local, self._lookup = local, lookup

    def get(self, url: str, kinds: Sequence[str], *, patience: float = PATIENCE,
            seen: Version = NEVER_SEEN) -> Fetched:  # fmt: skip
        """Fetch a URL whose media type must be one of `kinds`. `patience`: seconds. Raises NotFetched.

        `seen`: the known version of that URL; raises Unchanged if it is still current.
        """
        until = time.monotonic() + min(patience, PATIENCE)
        first = target(url, here=self._local)

        def once(to: Target, here: bool) -> Fetched | str:
            return self._once(to, kinds, until, here, seen if to == first else NEVER_SEEN)

        return self._led(first, once)

    def status(self, url: str, *, patience: float = PATIENCE) -> int:
        """What a site answers at an address, behind its redirects (RFC 9110 §15); no body is read. Raises NotFetched.

        It is asked by HEAD, and by GET where that is refused or not understood: some sites know GET alone.
        """
        first = target(url, here=self._local)
        try:
            if (seen := self._status(first, "HEAD", patience / 2)) < 400:
                return seen
        except NotFetched as error:
            if error.trouble not in (Trouble.GARBLED, Trouble.SLOW, Trouble.UNREACHABLE):
                raise
        return self._status(first, "GET", patience / 2)

    def _status(self, first: Target, method: str, patience: float) -> int:
        until = time.monotonic() + min(patience, PATIENCE)

        def once(to: Target, here: bool) -> int | str:
            with connect(to, to.addresses(self._lookup, seconds_left(until), here=here), until) as sock:
                answer = send_request(sock, to, ("*/*",), until, NEVER_SEEN, method)
                onward = answer.headers.get("Location", "").strip()
                return _joined(to.url, onward) if answer.status in _REDIRECTS and onward else answer.status

        return self._led(first, once)

    def _led(self, first: Target, once: Callable[[Target, bool], Found | str]) -> Found:
        """Ask until nothing leads on any more. Raises NotFetched."""
        to, here = first, self._local and first.is_here
        try:
            for _ in range(MOST_REDIRECTS + 1):
                found = once(to, here)
                if not isinstance(found, str):
                    return found
                to = target(found, here=here)
                here = here and to.is_here
        except TimeoutError:
            raise NotFetched(Trouble.SLOW) from None
        except OSError:
            raise NotFetched(Trouble.UNREACHABLE) from None
        except HTTPException:
            raise NotFetched(Trouble.GARBLED) from None
        raise NotFetched(Trouble.REDIRECTS)

    def _once(self, to: Target, kinds: Sequence[str], until: float, here: bool, seen: Version) -> Fetched | str:
        """The response to one request, or the URL it redirects to. Raises NotFetched, Unchanged."""
        addresses = to.addresses(self._lookup, seconds_left(until), here=here)
        with connect(to, addresses, until) as sock:
            answer = send_request(sock, to, kinds, until, seen)
            if answer.status in _REDIRECTS and (onward := answer.headers.get("Location", "").strip()):
                return _joined(to.url, onward)
            if answer.status == 304 and seen != NEVER_SEEN:
                raise Unchanged
            if answer.status != 200:
                raise NotFetched(_TROUBLES.get(answer.status, Trouble.STATUS))
            kind, charset = _kind(answer.headers.get("Content-Type", ""))
            if kind not in kinds:
                raise NotFetched(Trouble.KIND)
            version = Version.told(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
            return Fetched(address=to.url, kind=kind, charset=charset, body=_body(answer), version=version)


def _joined(url: str, onward: str) -> str:
    try:
        # Servers send raw UTF-8 here, which http.client decodes as Latin-1.
        return urljoin(url, onward.encode("latin-1").decode("utf-8", "replace"))
    except ValueError:
        raise NotFetched(Trouble.ADDRESS) from None


def _kind(written: str) -> tuple[str, str]:
    """(media type, charset) of a Content-Type; either may be ""."""
    read = Message()
    read["Content-Type"] = " ".join(written.split())
    return (read.get_content_type() if "/" in written else ""), str(read.get_param("charset") or "")


def _body(answer: HTTPResponse) -> bytes:
    """The whole body, decompressed. Raises NotFetched, HTTPException, OSError."""
    packing = answer.headers.get("Content-Encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip", "x-gzip"):
        raise NotFetched(Trouble.GARBLED)
    if (answer.length or 0) > LARGEST:
        raise NotFetched(Trouble.LARGE)
    unpacked = zlib.decompressobj(zlib.MAX_WBITS + 16) if "gzip" in packing else None
    out, arrived = bytearray(), 0
    while piece := answer.read(PIECE):
        arrived += len(piece)
        try:
            out += unpacked.decompress(piece, LARGEST + 1 - len(out)) if unpacked else piece
        except zlib.error:
            raise NotFetched(Trouble.GARBLED) from None
        if max(arrived, len(out)) > LARGEST:
            raise NotFetched(Trouble.LARGE)
    if (answer.length or 0) > 0 or (unpacked and arrived and not unpacked.eof):  # truncated
        raise NotFetched(Trouble.GARBLED)
    return bytes(out)
