"""TLS as a client: whom a certificate must name, and where nobody asks."""

from __future__ import annotations

import ssl


def verified_context() -> ssl.SSLContext:
    """Return a context that wants a valid certificate for the relay's name, in a SAN (RFC 9525 §2: never in the CN)."""
    return by_san_only(ssl.create_default_context())


def by_san_only(context: ssl.SSLContext) -> ssl.SSLContext:
    """Have a context disregard the common name."""
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False
    return context


def unverified_context() -> ssl.SSLContext:
    """Return a context for opportunistic TLS: encryption without knowing to whom."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
