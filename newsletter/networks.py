"""Addresses of the network: who asks, through which proxies, how much of an address is one visitor, and our own."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import idna

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LOOPBACK = "127.0.0.0/8, ::1/128"
HOUSEHOLD = 64
"""Bits of an IPv6 address that one customer has (RFC 6177); the rest they change as they like."""
_UNICAST, _TRANSLATED = ip_network("2000::/3"), ip_network("64:ff9b::/96")
"""All of IPv6 that sites have (RFC 4291 §2.4), and IPv4 as a translator shows it to machines without (RFC 6052)."""
_NO_SITE = tuple(ip_network(one) for one in ("168.63.129.16/32", "100.64.0.0/10", "192.0.0.0/24", "2001::/23"))
"""What no site has though it looks public: where a hosting firm answers its own machines, what networks share among
their customers (RFC 6598), and what protocols have for themselves, tunnels among it (RFC 6890)."""
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+")


def networks(listed: str) -> tuple[Network, ...]:
    """The networks of a list such as "127.0.0.1, 10.0.0.0/8". Raises ValueError naming what is none."""
    return tuple(ip_network(one, strict=False) for one in re.split(r"[\s,]+", listed.strip()) if one)


def network_list(listed: str) -> str:
    """The same list, if it is one. Raises ValueError with an example."""
    try:
        networks(listed)
    except ValueError as error:
        raise ValueError(f"should be addresses or networks, for example 127.0.0.1, 10.0.0.0/8; {error}") from None
    return listed


def address(text: str) -> Address | None:
    """The address in a text that a peer or a proxy wrote, with or without a port; None: it is no address."""
    found = _WITH_PORT.fullmatch(text.strip())
    bare = (found[1] or found[2] or "") if found else text.strip()
    try:
        seen = ip_address(bare.partition("%")[0])  # a zone (fe80::1%eth0) is only known to the host itself
    except ValueError:
        return None
    return getattr(seen, "ipv4_mapped", None) or seen


def client(peer: str, forwarded: str, trusted: Iterable[Network]) -> Address | None:
    """Who asks: the peer, or whom a chain of trusted proxies saw.

    `forwarded` is X-Forwarded-For, to which each proxy adds whom it saw at the end. So it is read from there, as long
    as the one who wrote is trusted: what a visitor made up stands further left and is never reached.
    """
    seen, nets = address(peer), tuple(trusted)
    for text in reversed([part for part in forwarded.split(",") if part.strip()]):
        if seen is None or not is_within(seen, nets):
            break
        before = address(text)
        if before is None:
            break
        seen = before
    return seen


def is_within(one: Address, nets: Iterable[Network]) -> bool:
    """Whether an address belongs to one of the networks."""
    return any(one.version == net.version and one in net for net in nets)


def household(one: Address) -> str:
    """What counts as one visitor where visitors are counted: an IPv4 address, or the /64 of an IPv6 one."""
    return str(ip_network((one, HOUSEHOLD), strict=False)) if one.version == 6 else str(one)


def domain_name(given: str) -> str:
    """A domain in the letters of DNS (RFC 5891), "" for none. Raises ValueError for what is no domain of a sender."""
    try:
        name = idna.encode(given, uts46=True).decode().lower() if given else ""
    except idna.IDNAError:
        name = "."
    if given and (name.startswith(".") or name.endswith(".") or "." not in name):
        raise ValueError("should be the domain of the sender's address, for example example.org")
    return name


def site_url(given: str) -> str:
    """The address, without a slash at its end, if a site can live there (or none is given); else ValueError."""
    if given and not _is_site(given):
        raise ValueError("should be the address visitors use, for example https://news.example.org")
    return given.rstrip("/")


def _is_site(url: str) -> bool:
    """Whether a site can live at this address: http or https, perhaps a path, and nothing behind it."""
    try:
        seen = urlsplit(url)
        seen.port  # noqa: B018 - raises ValueError for a port that is none
    except ValueError:
        return False
    if seen.scheme not in ("http", "https") or not seen.hostname:
        return False
    plain = not (seen.query or seen.fragment or seen.username) and not {".", ".."} & set(seen.path.split("/"))
    return plain and _PATH.fullmatch(seen.path) is not None


def host_name(asked: str) -> str:
    """The name in a Host header (RFC 9110 §7.2), without its port, its brackets and a closing dot."""
    name = asked[: asked.find("]") + 1] if asked.startswith("[") else asked.partition(":")[0]
    return name.strip("[]").lower().removesuffix(".")


def is_loopback(name: str) -> bool:
    """Whether a name can only mean this machine, so that no other site can have it point here (DNS rebinding)."""
    seen = address(name)
    return name == "localhost" or (seen is not None and seen.is_loopback)


def is_public(one: Address) -> bool:
    """Whether an address leads to a machine of the open Internet; one that carries another leads where that does."""
    if isinstance(one, IPv6Address):
        if inner := one.ipv4_mapped or one.sixtofour:
            return is_public(inner)
        if one in _TRANSLATED:
            return is_public(IPv4Address(int(one) & 0xFFFF_FFFF))
        if one not in _UNICAST:
            return False
    return one.is_global and not one.is_multicast and not one.is_reserved and not is_within(one, _NO_SITE)
