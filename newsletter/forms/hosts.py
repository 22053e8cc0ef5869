"""The owner's hosts: on whose pages our forms may stand, and where a form may lead afterwards.

An origin is what browsers compare (RFC 6454): scheme, host and port. At home (`is_local`) every page of this machine is
the owner's, so that a new install can be tried with any page.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from newsletter.languages import said
from newsletter.networks import is_loopback

MOST = 50
_HOST = re.compile(r"(?!.{254})[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z")
_PORTS = {"http": 80, "https": 443}


class BadHost(ValueError):
    """This is no address of a site; the message says what one looks like."""


def read_origins(typed: str) -> list[str]:
    """The origins that an owner typed, one a line; `blog.example.org` alone means https. Raises BadHost."""
    found = []
    for line in typed.split():
        whole = line if "://" in line else f"https://{line}"
        origin = origin_of(whole)
        if origin is None:
            raise BadHost(
                said("“%(line)s” is no address of a site; one looks like https://blog.example.org", line=line[:80])
            )
        found.append(origin)
    if len(set(found)) > MOST:
        raise BadHost(
            said("These are more than %(most)s sites; please leave out those that show no form of yours.", most=MOST)
        )
    return list(dict.fromkeys(found))


def origin_of(url: str) -> str | None:
    """The origin of an http or https URL, as browsers write it; None: it has none."""
    try:
        seen = urlsplit(url)
        host, port = (seen.hostname or "").removesuffix("."), seen.port
    except ValueError:
        return None
    if seen.scheme not in _PORTS or seen.username is not None:
        return None
    if host != "::1":
        try:
            host = host if host.isascii() else host.encode("idna").decode()
        except UnicodeError:
            return None
        if not _HOST.match(host):
            return None
    shown = f"[{host}]" if ":" in host else host
    return f"{seen.scheme}://{shown}" if port in (None, _PORTS[seen.scheme]) else f"{seen.scheme}://{shown}:{port}"


def allowed_origin(url: str, origins: Iterable[str], *, local: bool) -> str | None:
    """The origin of this URL where it is one of the owner's; None: it is a stranger's, or none."""
    origin = origin_of(url)
    if origin is None:
        return None
    if local and is_loopback(urlsplit(origin).hostname or ""):
        return origin
    return origin if origin in origins else None


def may_lead_to(url: str, origins: Iterable[str], *, local: bool) -> bool:
    """Whether a form may send people there. What a browser reads differently from us is not led to."""
    plain = url.isascii() and url.isprintable() and not set(url) & set(" \\\"'<>")
    return plain and allowed_origin(url, origins, local=local) is not None
