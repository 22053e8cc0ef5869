"""Runs the requested checks. No transaction is open while DNS or a relay is asked."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Protocol

import idna
from dns.resolver import Resolver

from newsletter import asked, brand
from newsletter.clock import Clock
from newsletter.db import Database
from newsletter.mail import signing
from newsletter.mail.render import RSA_NAME, BadKey, Dkim, DkimKey, Renderer, key_place, make_key, read_key
from newsletter.networks import address
from newsletter.sender_domain import Sender, look, unasked
from newsletter.sending.record import REST, LookKind, SendingLook, ask
from newsletter.settings import Settings
from newsletter.smtp import Probe, Relay, parse_relays, probe

SLICE = 15.0
"""Seconds after which no further check starts; the next tick continues."""
BITS = 2048
"""Length of a generated key: what every DNS provider's form accepts."""


class Place(Protocol):
    """What the checks need of the installation; Runtime is one."""

    @property
    def database(self) -> Database:
        """Where findings are stored."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def settings(self) -> Settings:
        """What the operator has set: relays, the return path, where keys are."""

    @property
    def renderer(self) -> Renderer:
        """What signs mail."""

    @property
    def resolver(self) -> Callable[[], Resolver]:
        """Makes the DNS resolver."""


def go_on(rt: Place) -> int:
    """Run the waiting checks one after the other; return how many."""
    done, until = 0, time.monotonic() + SLICE
    while time.monotonic() < until:
        with rt.database.transaction() as session:
            row = asked.take(session, SendingLook, rt.clock.now())
            if row is None:
                break
            id, kind, name = row.id, row.kind, row.name
        found = _WORKS[kind](rt, name)
        with rt.database.transaction() as session:
            session.get_one(SendingLook, id, with_for_update=True).keep(found, rt.clock.now())
            for more in _following(rt, kind):
                ask(session, *more, rt.clock.now(), rest=REST if kind is LookKind.DOMAIN else timedelta())
        done += 1
    return done


def _following(rt: Place, kind: LookKind) -> list[tuple[LookKind, str]]:
    """The checks that follow this one: no page may know the relays and request them (`supervisor.programs`)."""
    if kind is LookKind.KEY:
        return [(LookKind.DOMAIN, "")]
    return [(LookKind.RELAY, one.name) for one in parse_relays(rt.settings.relays) if kind is LookKind.DOMAIN]


def look_at_domain(rt: Place) -> dict[str, Any]:
    """What DNS says of the sender's domain now, as it is kept."""
    with rt.database.reading() as session:
        email = brand.current(session).email
    key = _unused_key(rt)
    sender = _sender(rt, email, key)
    findings = look(sender, rt.resolver) if rt.settings.looks_domains_up and sender.domain else unasked(sender)
    return {
        "address": email, "domain": sender.domain, "bounce_domain": sender.bounce_domain,
        "findings": [asdict(one) for one in findings],
        "settings": _named(rt, key, sender.domain) if key else [],
        "signs": rt.renderer.dkim is not None,
        "relays": [one.name for one in parse_relays(rt.settings.relays)],
    }  # fmt: skip


def _sender(rt: Place, email: str, unused: DkimKey | None) -> Sender:
    domain, dkim = _ascii(email.rpartition("@")[2]), rt.renderer.dkim
    keys = {key.host(dkim.domain): key.record for key in dkim.keys} if dkim else {}
    if unused:
        keys = {unused.host(domain): unused.record}
    hosts = (relay.host for relay in parse_relays(rt.settings.relays))
    return Sender(
        address=email, domain=domain, bounce_domain=_ascii(rt.renderer.sender_form.rpartition("@")[2]),
        bounce_host=_ascii(rt.settings.site_host),
        relays=tuple(host for host in hosts if address(host) is None and host != "localhost"),
        keys=keys, is_aligned=dkim is None or dkim.is_aligned(email), keys_are_used=unused is None,
    )  # fmt: skip


def _ascii(domain: str) -> str:
    """A domain in A-labels; "" if it is not a valid name."""
    try:
        return idna.encode(domain, uts46=True).decode().lower().rstrip(".")
    except idna.IDNAError:
        return ""


def _unused_key(rt: Place) -> DkimKey | None:
    """The key generated earlier, as long as the settings name none."""
    if rt.renderer.dkim is not None:
        return None
    try:
        return read_key(RSA_NAME, key_place(rt.settings.data_dir, RSA_NAME))
    except BadKey:
        return None


def _named(rt: Place, key: DkimKey, domain: str) -> list[str]:
    """The settings by which the product signs with the key."""
    file = key_place(rt.settings.data_dir, key.selector)
    return [f"DKIM_DOMAIN={domain}", f"DKIM_SELECTOR={key.selector}", f"DKIM_KEY_FILE={file}"]


def _key(rt: Place, _name: str) -> dict[str, Any]:
    """Generate a signing key. An existing one is left as it is."""
    file = key_place(rt.settings.data_dir, RSA_NAME)
    if rt.renderer.dkim is not None or file.exists():
        return {"made": False, "error": ""}
    with rt.database.reading() as session:
        domain = _ascii(brand.current(session).email.rpartition("@")[2])
        name = f"{RSA_NAME}._domainkey.{domain}"
        if signing.is_known(session, name):
            return {"made": False, "error": "", "elsewhere": name, "file": str(file)}
    try:
        made = make_key(RSA_NAME, file, BITS)
    except OSError as error:
        return {"made": False, "error": "" if file.exists() else str(error.strerror)}
    with rt.database.transaction() as session:
        signing.note_first(session, signing.prints(Dkim(domain, (made,))), rt.clock.now())
    return {"made": True, "error": ""}


def _relay(rt: Place, name: str) -> dict[str, Any]:
    relay = next((one for one in parse_relays(rt.settings.relays) if one.name == name), None)
    return _findings(relay, probe(relay, relay.helo or rt.settings.mail_domain)) if relay else {"gone": True}


def _findings(relay: Relay, tested: Probe) -> dict[str, Any]:
    """What is stored of a relay's test."""
    return {
        "lines": [[who.value, text] for who, text in tested.lines],
        "trouble": tested.trouble.value if tested.trouble else "",
        "is_encrypted": tested.is_encrypted, "is_verified": tested.is_verified, "is_here": relay.loopback,
    }  # fmt: skip


_WORKS: dict[LookKind, Callable[[Place, str], dict[str, Any]]] = {
    LookKind.DOMAIN: lambda rt, _name: look_at_domain(rt), LookKind.RELAY: _relay, LookKind.KEY: _key,
}  # fmt: skip
