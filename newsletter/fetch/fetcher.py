"""Fetcher: gets one URL, following redirects, with limits on size and time."""

import time
import zlib
from collections.abc import Sequence
from email.message import Message
from http.client import HTTPException, HTTPResponse
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
        try:
            to = target(url, here=self._local)
            here = self._local and to.is_here
            for _ in range(MOST_REDIRECTS + 1):
                found = self._once(to, kinds, until, here, seen)
                if isinstance(found, Fetched):
                    return found
                to, seen = target(found, here=here), NEVER_SEEN
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
