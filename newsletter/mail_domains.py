"""Whether a domain takes mail, asked of DNS: a slip behind the @ is told while its person still sits there.

Only a clear no is a no: the domain does not exist, says itself that it takes no mail (RFC 7505), or has neither a mail
server nor an address (RFC 5321 §5.1). Without an answer everything is taken, for the mail itself finds out.
"""

import time
from collections.abc import Callable
from enum import StrEnum
from threading import BoundedSemaphore
from typing import Protocol

import structlog
from dns.exception import DNSException, Timeout
from dns.name import Name, from_text, root
from dns.rdatatype import AAAA, MX, NS, A, RdataType
from dns.resolver import NXDOMAIN, Answer, LRUCache, Resolver

PATIENCE = 0.8
"""Seconds for all questions about one domain: a page is not held for longer than a second."""
AT_ONCE = 3
"""Of a process's threads those that may wait for DNS together."""
QUIET = 60.0
"""Seconds for which nothing is asked where DNS was silent, and for which an answer proves that it is not."""
KEPT = 1000
"""Answers kept, each for as long as it says itself (RFC 2308 §5 for those that say no)."""
log = structlog.get_logger()


class DomainFault(StrEnum):
    """Why no mail can be sent to a domain."""

    NO_DOMAIN = "no-domain"
    TAKES_NO_MAIL = "takes-no-mail"


class MailDomains(Protocol):
    """Knows which domains take mail."""

    def fault(self, domain: str) -> DomainFault | None:
        """Why no mail can go to this domain (A-labels); None: it can, or nobody knows. Never fails."""


class AnyDomain:
    """Asks nobody."""

    def fault(self, domain: str) -> DomainFault | None:
        """Nothing is wrong with it, as far as we know."""


class AskedDomains:
    """Asks the machine's resolver, and keeps what it said.

    How long an answer takes tells whether somebody asked about this domain lately, as every resolver's cache does. It
    tells nothing about a person.
    """

    def __init__(self, resolver: Callable[[], Resolver] = Resolver, patience: float = PATIENCE,
                 monotonic: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        self._make = resolver
        self._patience, self._monotonic = patience, monotonic
        self._free = BoundedSemaphore(AT_ONCE)
        self._cache = LRUCache(KEPT)
        self._answered_at = self._ask_at = float("-inf")
        self._resolver: Resolver | None = None

    def fault(self, domain: str) -> DomainFault | None:
        """See `MailDomains`."""
        if self._monotonic() < self._ask_at or not self._free.acquire(blocking=False):
            return None
        try:
            return self._asked(from_text(domain), self._monotonic() + self._patience)
        except Timeout:
            self._note_silence()
        except (DNSException, OSError, ValueError):  # no network, a resolver that fails, a name that it cannot carry
            pass
        finally:
            self._free.release()
        return None

    def _note_silence(self) -> None:
        """One slow domain is that domain's matter; where nothing else was answered either, DNS is gone."""
        now = self._monotonic()
        if now - self._answered_at > QUIET:
            self._ask_at = now + QUIET
            log.warning("DNS does not answer: domains of addresses are not looked up for a while", seconds=QUIET)

    def _asked(self, name: Name, until: float) -> DomainFault | None:
        try:
            servers = self._ask(name, MX, until)
            if servers.rrset is not None:
                refuses = all(server.exchange == root for server in servers)
                return DomainFault.TAKES_NO_MAIL if refuses else None
            if any(self._ask(name, kind, until).rrset is not None for kind in (A, AAAA)):
                return None
            fault = DomainFault.TAKES_NO_MAIL
        except NXDOMAIN:
            fault = DomainFault.NO_DOMAIN
        # A resolver that is cut off from the world may deny every name: one that knows the root is believed.
        return fault if self._ask(root, NS, until).rrset is not None else None

    def _ask(self, name: Name, kind: RdataType, until: float) -> Answer:
        if self._resolver is None:
            self._resolver = self._make()
            self._resolver.cache, self._resolver.timeout = self._cache, self._patience / 2
        left = max(until - self._monotonic(), 0.001)
        try:
            answer = self._resolver.resolve(name, kind, raise_on_no_answer=False, lifetime=left, search=False)
        except NXDOMAIN:
            self._answered_at = self._monotonic()
            raise
        self._answered_at = self._monotonic()
        return answer
