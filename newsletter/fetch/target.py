"""Target: a URL parsed and normalised, so that no later reader can interpret it differently."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import idna
from dns.exception import DNSException
from dns.resolver import Resolver

from newsletter.fetch.trouble import NotFetched, Trouble
from newsletter.networks import Address, address, is_loopback, is_public

LONGEST = 2000
"""Characters of a URL."""
PORTS = {"http": 80, "https": 443}
Lookup = Callable[[str, float], list[str]]
"""(host name, timeout in seconds) → its IP addresses. Raises NotFetched."""
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IN_PATH, _IN_QUERY = "/%:@!$&'()*+,;=~", "/%:@!$&'()*+,;=~?"


@dataclass(frozen=True, slots=True)
class Target:
    """A site and the requested path with query. `host`: an A-label name or an IP address."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_here(self) -> bool:
        """Whether it is this machine (loopback)."""
        return is_loopback(self.host)

    @property
    def named(self) -> str:
        """The Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The normalised URL."""
        return f"{self.scheme}://{self.named}{self.path}"

    def addresses(self, lookup: Lookup, seconds: float, *, here: bool) -> list[Address]:
        """Its IP addresses; refused unless all are public. `here`: this machine is allowed too.

        Raises NotFetched.
        """
        if self.is_here and not here:
            raise NotFetched(Trouble.PRIVATE)
        texts = ["127.0.0.1"] if self.host == "localhost" else [self.host]
        if address(texts[0]) is None:
            texts = lookup(self.host, seconds)
        found = [one for text in texts if (one := address(text))]
        if not found:
            raise NotFetched(Trouble.NO_HOST)
        if not self.is_here and not all(is_public(one) for one in found):
            raise NotFetched(Trouble.PRIVATE)
        return found


def target(url: str, *, here: bool) -> Target:
    """Parse a URL. `here`: this machine is allowed, at any port. Raises NotFetched."""
    if len(url) > LONGEST or not url.isprintable() or " " in url or "\\" in url:
        raise NotFetched(Trouble.ADDRESS)
    try:
        seen = urlsplit(url)
        if seen.scheme and seen.scheme not in PORTS:
            raise NotFetched(Trouble.SCHEME)
        port, host = seen.port, _host(seen.hostname or "")
    except ValueError:
        raise NotFetched(Trouble.ADDRESS) from None
    if not seen.scheme:
        raise NotFetched(Trouble.ADDRESS)
    if "@" in seen.netloc:
        raise NotFetched(Trouble.CREDENTIALS)
    path = quote(seen.path or "/", safe=_IN_PATH) + (f"?{quote(seen.query, safe=_IN_QUERY)}" if seen.query else "")
    made = Target(scheme=seen.scheme, host=host, port=PORTS[seen.scheme] if port is None else port, path=path)
    if made.port not in PORTS.values() and not (here and made.is_here):
        raise NotFetched(Trouble.PRIVATE if made.is_here else Trouble.PORT)
    return made


def _host(written: str) -> str:
    """The host in lower case, as A-labels or an IP address. Raises ValueError."""
    name = written.lower().removesuffix(".")
    if ":" in name or _NAME.fullmatch(name):
        return name
    try:
        return idna.encode(name, uts46=True).decode().lower()
    except idna.IDNAError:
        raise ValueError("no name of a site") from None


def dns_lookup(name: str, seconds: float) -> list[str]:
    """A `Lookup` by DNS alone, so that names from this machine's hosts file cannot be used."""
    try:
        return list(Resolver().resolve_name(name, lifetime=max(seconds, 0.1)).addresses())
    except (DNSException, OSError, ValueError):
        raise NotFetched(Trouble.NO_HOST) from None
