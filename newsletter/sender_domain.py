"""What DNS says about a sender's domain: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489) and the return path's MX."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from dns.exception import DNSException
from dns.name import from_text, root
from dns.rdatatype import AAAA, MX, TXT, A, RdataType
from dns.resolver import NXDOMAIN, Answer, Resolver

PATIENCE = 6.0
"""Seconds for all questions of one look."""
EACH = 2.0
"""Of these, seconds for one question."""
MOST_SEEN, LONGEST_SEEN = 5, 600
"""Records that are told of one name, and characters of each: whoever owns a domain may put a book there."""
PARENTS = 4
"""Names above the sender's domain at which a DMARC record is looked for."""
INCLUDES = {
    "amazonaws.com": "amazonses.com", "sendgrid.net": "sendgrid.net", "mailgun.org": "mailgun.org",
    "postmarkapp.com": "spf.mtasv.net", "brevo.com": "spf.brevo.com", "sendinblue.com": "spf.brevo.com",
    "mailjet.com": "spf.mailjet.com", "gmail.com": "_spf.google.com", "google.com": "_spf.google.com",
    "office365.com": "spf.protection.outlook.com",
}  # fmt: skip
"""What services want to stand in an SPF record, by the domain of their relay."""
_TERM = re.compile(
    r"[+?~-]?(all|(include|exists):\S+|(a|mx|ptr)(:\S+)?(/\d+)?(//\d+)?|ip4:[\d./]+|ip6:[0-9a-f:./]+)|[a-z][\w.-]*=\S*",
    re.IGNORECASE,
)


class Part(StrEnum):
    """What is looked at."""

    SPF = "spf"
    DKIM = "dkim"
    DMARC = "dmarc"
    RETURN_PATH = "return_path"


class Light(StrEnum):
    """How it stands."""

    GOOD = "good"
    MISSING = "missing"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """It could not be looked up, or nobody but the relay knows."""


class Why(StrEnum):
    """What was found, as a code."""

    FOUND = "found"
    FOR_RELAY = "for_relay"
    """An SPF record that names what the relay's service wants."""
    NONE = "none"
    SEVERAL = "several"
    UNREADABLE = "unreadable"
    OPEN = "open"
    """An SPF record that lets everybody send."""
    NOT_RELAY = "not_relay"
    OTHER_KEY = "other_key"
    NOT_ALIGNED = "not_aligned"
    RELAY_SIGNS = "relay_signs"
    KEY_UNUSED = "key_unused"
    """There is a key, and the settings do not name it."""
    WATCHES = "watches"
    """A DMARC record that asks for reports only."""
    HOST_ITSELF = "host_itself"
    REFUSES = "refuses"
    UNANSWERED = "unanswered"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsRecord:
    """A line to publish."""

    name: str
    type: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One light. `seen`: what stood there; `record`: what should."""

    part: Part
    light: Light
    why: Why
    name: str
    seen: tuple[str, ...] = ()
    record: DnsRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whose mail it is, in A-labels. `keys`: the records of the keys that sign, by the name that each stands at."""

    address: str
    domain: str
    bounce_domain: str
    bounce_host: str
    """The host that takes what comes back, where nothing else is known."""
    relays: tuple[str, ...]
    keys: Mapping[str, str]
    is_aligned: bool = True
    """Whether the keys' domain speaks for the sender's."""
    keys_are_used: bool = True


class _Unanswered(Exception):
    """No answer, for whatever reason."""


class _Dns:
    """Questions of one look."""

    def __init__(self, resolver: Callable[[], Resolver], patience: float) -> None:
        self._make, self._until = resolver, time.monotonic() + patience
        self._resolver: Resolver | None = None

    def ask(self, name: str, kind: RdataType) -> Answer | None:
        """None: there is nothing. Raises _Unanswered."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise _Unanswered
        try:
            self._resolver = self._resolver or self._make()
            found = self._resolver.resolve(
                from_text(name), kind, raise_on_no_answer=False, lifetime=min(left, EACH), search=False
            )
        except NXDOMAIN:
            return None
        except (DNSException, OSError, ValueError):
            raise _Unanswered from None
        return found if found.rrset is not None else None

    def texts(self, name: str, begins: str = "") -> list[str]:
        """TXT records, or those that begin so. Raises _Unanswered."""
        every = (b"".join(one.strings).decode("utf-8", "replace") for one in self.ask(name, TXT) or ())
        mine = [one for one in every if not begins or re.match(rf"{begins}(?![\w-])", one.strip(), re.I)]
        return ["".join(c if c.isprintable() else " " for c in one)[:LONGEST_SEEN] for one in mine[:MOST_SEEN]]


def look(sender: Sender, resolver: Callable[[], Resolver] = Resolver, patience: float = PATIENCE) -> list[Finding]:
    """Every light but that of TLS. Takes `patience` seconds at most, and never fails."""
    dns = _Dns(resolver, patience)
    found = []
    for part, name, work in _works(sender):
        try:
            found.append(work(sender, dns))
        except _Unanswered:
            found.append(Finding(part=part, light=Light.UNKNOWN, why=Why.UNANSWERED, name=name))
    return found


def unasked(sender: Sender) -> list[Finding]:
    """The same lights where DNS is not asked."""
    return [Finding(part=part, light=Light.UNKNOWN, why=Why.NOT_ASKED, name=name) for part, name, _ in _works(sender)]


def _works(sender: Sender) -> Iterator[tuple[Part, str, Callable[[Sender, _Dns], Finding]]]:
    yield Part.SPF, sender.bounce_domain, _spf
    for name, record in sender.keys.items():
        yield Part.DKIM, name, partial(_dkim, name=name, record=record)
    if not sender.keys:
        yield Part.DKIM, sender.domain, _unsigned
    yield Part.DMARC, f"_dmarc.{sender.domain}", _dmarc
    yield Part.RETURN_PATH, sender.bounce_domain, _return_path


def _spf(sender: Sender, dns: _Dns) -> Finding:
    """RFC 7208 §3.2, §4.5: one record, at the domain of the return path."""
    name, seen = sender.bounce_domain, dns.texts(sender.bounce_domain, "v=spf1")
    wanted = [f"include:{one}" for host in sender.relays if (one := _include(host))]
    terms = " ".join(dict.fromkeys(wanted or [f"a:{host}" for host in sender.relays] or ["a", "mx"]))
    record = DnsRecord(name=name, type="TXT", value=f"v=spf1 {terms} ~all")
    light, why = Light.WRONG, Why.SEVERAL
    if not seen:
        light, why = Light.MISSING, Why.NONE
    elif len(seen) == 1:
        light, why, record = _spf_judged(seen[0], wanted, record)
    return Finding(part=Part.SPF, light=light, why=why, name=name, seen=tuple(seen),
                   record=None if light is Light.GOOD else record)  # fmt: skip


def _spf_judged(text: str, wanted: list[str], fresh: DnsRecord) -> tuple[Light, Why, DnsRecord]:
    terms = text.split()[1:]
    lower = [one.lower() for one in terms]
    if not all(_TERM.fullmatch(one) for one in terms):
        return Light.WRONG, Why.UNREADABLE, fresh
    if {"all", "+all"} & set(lower):
        kept = [one for one in terms if one.lower() not in ("all", "+all")]
        return Light.WRONG, Why.OPEN, DnsRecord(name=fresh.name, type="TXT", value=" ".join(["v=spf1", *kept, "~all"]))
    missing = [one for one in wanted if one not in {one.lstrip("+") for one in lower}]
    if missing and not any(one.startswith("redirect=") for one in lower):
        value = " ".join(["v=spf1", *dict.fromkeys(missing), *terms])
        return Light.WRONG, Why.NOT_RELAY, DnsRecord(name=fresh.name, type="TXT", value=value)
    return Light.GOOD, Why.FOR_RELAY if wanted and not missing else Why.FOUND, fresh


def _include(host: str) -> str:
    dotted = f".{host.lower().rstrip('.')}"
    return next((wanted for domain, wanted in INCLUDES.items() if dotted.endswith(f".{domain}")), "")


def _dkim(sender: Sender, dns: _Dns, *, name: str, record: str) -> Finding:
    seen = [one for one in dns.texts(name) if "p" in _tags(one)]  # `v=` may be left out (RFC 6376 §3.6.1)
    ours, light, why = _tags(record)["p"], Light.WRONG, Why.OTHER_KEY
    if not seen:
        light, why = Light.MISSING, Why.NONE
    elif len(seen) > 1:
        why = Why.SEVERAL
    elif _tags(seen[0]).get("p") == ours:
        light, why = Light.GOOD, Why.FOUND
    if not sender.keys_are_used:
        light, why = Light.MISSING, Why.KEY_UNUSED
    elif light is Light.GOOD and not sender.is_aligned:
        light, why = Light.WRONG, Why.NOT_ALIGNED
    wanted = None if why in (Why.FOUND, Why.NOT_ALIGNED) else DnsRecord(name=name, type="TXT", value=record)
    return Finding(part=Part.DKIM, light=light, why=why, name=name, seen=tuple(seen), record=wanted)


def _unsigned(sender: Sender, _dns: _Dns) -> Finding:
    return Finding(part=Part.DKIM, light=Light.UNKNOWN, why=Why.RELAY_SIGNS, name=sender.domain)


def _dmarc(sender: Sender, dns: _Dns) -> Finding:
    """At the domain itself, else at one above it (RFC 7489 §6.6.3)."""
    labels, seen, name = sender.domain.split("."), [], ""
    for above in range(min(PARENTS, max(len(labels) - 1, 1))):
        name = f"_dmarc.{'.'.join(labels[above:])}"
        if seen := dns.texts(name, "v=DMARC1"):
            break
    light, why, first = Light.WRONG, Why.SEVERAL, f"_dmarc.{sender.domain}"
    if not seen:
        light, why, name = Light.MISSING, Why.NONE, first
    elif len(seen) == 1:
        policy = _tags(seen[0]).get("p", "").lower()
        light, why = (Light.GOOD, Why.WATCHES if policy == "none" else Why.FOUND)
        if policy not in ("none", "quarantine", "reject"):
            light, why = Light.WRONG, Why.UNREADABLE
    value = f"v=DMARC1; p=none; rua=mailto:{sender.address}"
    record = None if light is Light.GOOD else DnsRecord(name=name, type="TXT", value=value)
    return Finding(part=Part.DMARC, light=light, why=why, name=name, seen=tuple(seen), record=record)


def _return_path(sender: Sender, dns: _Dns) -> Finding:
    """Where bounces come back to: an MX, else the host itself (RFC 5321 §5.1); "." takes no mail (RFC 7505)."""
    name = sender.bounce_domain
    servers = sorted(dns.ask(name, MX) or (), key=lambda one: int(one.preference))
    seen = tuple(f"{one.preference} {one.exchange}"[:LONGEST_SEEN] for one in servers[:MOST_SEEN])
    light, why = Light.GOOD, Why.FOUND
    if not servers:
        is_host = any(dns.ask(name, kind) for kind in (A, AAAA))
        light, why = (Light.GOOD, Why.HOST_ITSELF) if is_host else (Light.MISSING, Why.NONE)
    elif all(one.exchange == root for one in servers):
        light, why = Light.WRONG, Why.REFUSES
    record = DnsRecord(name=name, type="MX", value=f"10 {sender.bounce_host}.")
    return Finding(part=Part.RETURN_PATH, light=light, why=why, name=name, seen=seen,
                   record=None if light is Light.GOOD else record)  # fmt: skip


def _tags(text: str) -> dict[str, str]:
    """A list of tags (RFC 6376 §3.2), without white space."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): "".join(value.split()) for name, _, value in pairs}
