"""Origin: WSGI middleware that determines the client, host and path of a request.

Forwarding headers count only from `TRUSTED_PROXIES`; the site's scheme, host and path always come from `PUBLIC_URL`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from flask import Response

from newsletter.networks import Network, address, client, host_name, is_loopback, is_within, networks
from newsletter.settings import Settings

FOR_PROBES = ("/healthz", "/metrics")
"""Served under any host name, for monitoring; neither shows anything private."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The response to a request that is not for this site."""

    code: int
    words: str


class Origin:
    """The WSGI middleware."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], settings: Callable[[], Settings]) -> None:
        self._inner = inner
        self._settings = settings

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass the request on, or refuse it."""
        refusal = settle(environ, self._settings())
        if refusal is None:
            return self._inner(environ, start_response)
        told = Response(refusal.words + "\n", refusal.code, mimetype="text/plain")
        told.headers["X-Content-Type-Options"] = "nosniff"
        return told(environ, start_response)


def settle(environ: dict[str, Any], settings: Settings) -> Refusal | None:
    """Set client, scheme, host and path in the environ; returns a Refusal if the request is not for this site."""
    peer, trusted = environ.get("REMOTE_ADDR", ""), _trusted(settings.trusted_proxies)
    seen = address(peer)
    by_proxy = seen is not None and is_within(seen, trusted)
    asked = environ.get("HTTP_X_FORWARDED_HOST", "") if by_proxy else ""
    asked = asked.rpartition(",")[2].strip() or environ.get("HTTP_HOST", "")
    visitor = client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), trusted)
    environ["REMOTE_ADDR"] = str(visitor) if visitor else ""
    environ["wsgi.url_scheme"] = settings.site.partition(":")[0]
    environ["HTTP_HOST"] = asked
    if environ.get("PATH_INFO") in FOR_PROBES:
        environ["HTTP_HOST"] = urlsplit(settings.site).netloc  # Flask rejects unknown host names
        return None
    return _foreign_host(asked, settings) or _mount(environ, settings)


@lru_cache(8)
def _trusted(listed: str) -> tuple[Network, ...]:
    return networks(listed)


def _foreign_host(asked: str, settings: Settings) -> Refusal | None:
    name = host_name(asked)
    if name == settings.site_host or (settings.is_local and is_loopback(name)):
        return None
    shown = "".join(c for c in asked[:100] if c.isascii() and c.isprintable())
    return Refusal(
        400,
        f"This server answers for {settings.site_host}, and was asked for “{shown}”.\n"
        f"Visitors: please use {settings.site}/\n"
        "If you run it: set PUBLIC_URL to the address that visitors use, and let the proxy in front pass the Host "
        "header on (nginx: proxy_set_header Host $host).",
    )


def _mount(environ: dict[str, Any], settings: Settings) -> Refusal | None:
    """If PUBLIC_URL has a path, make it SCRIPT_NAME; refuse requests outside it."""
    under, path = settings.site_path, str(environ.get("PATH_INFO", ""))
    if not under:
        return None
    if path != under and not path.startswith(f"{under}/"):
        return Refusal(404, f"There is nothing here. The site is at {settings.site}/")
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = under, path.removeprefix(under) or "/"
    return None
