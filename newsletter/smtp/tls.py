"""The client's TLS contexts: with the certificate checked, and without."""

from __future__ import annotations

import ssl


def verified_context() -> ssl.SSLContext:
    """A context that requires a valid certificate naming the relay in a SAN (RFC 9525 §2: never in the CN)."""
    return by_san_only(ssl.create_default_context())


def by_san_only(context: ssl.SSLContext) -> ssl.SSLContext:
    """Make a context ignore the common name, and return it."""
    if ssl.HAS_NEVER_CHECK_COMMON_NAME:
        context.hostname_checks_common_name = False
    return context


def unverified_context() -> ssl.SSLContext:
    """A context for opportunistic TLS: encrypted, not authenticated."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
