"""Security headers, form tokens without a cookie, session cookies, and rate limits."""

import secrets
from typing import Any

from flask import Flask, Response, g, request
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_limiter import Limiter
from flask_wtf.csrf import CSRFProtect
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from redis.backoff import NoBackoff
from redis.retry import Retry
from wtforms import Form, ValidationError
from wtforms.csrf.core import CSRF

from newsletter.links import BadLink, ExpiredLink, Purpose, still_good
from newsletter.web.language import _
from newsletter.web.state import client_household, now, runtime

FORM_HOURS = 24
PATIENCE = 0.5
"""Seconds to wait for Redis before limits are counted in memory."""
csrf = CSRFProtect()
limiter = Limiter(
    client_household,
    in_memory_fallback_enabled=True,  # without Redis the limits apply per process
    headers_enabled=False,
    strategy="fixed-window",
)


class FormToken(CSRF):
    """A signed token in the form, so that the sign-up page sets no cookie (STANDARDS.md 21).

    Visitors have no session to abuse; the token proves that the form came from us, and when.
    """

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        """A new token: its signed expiry."""
        return runtime().signer.token(Purpose.FORM, int(now().timestamp()) + FORM_HOURS * 3600)

    def validate_csrf_token(self, form: Form, field: Any) -> None:
        """Raise ValidationError if the token is missing, forged or expired."""
        try:
            (last_second,) = runtime().signer.numbers(Purpose.FORM, field.data or "")
            still_good(last_second, now())
        except BadLink:
            raise ValidationError(_("This form did not come from our page. Please send it again.")) from None
        except ExpiredLink:
            raise ValidationError(_("This page was open for more than a day. Please send it again.")) from None


class _Ageless(TimestampSigner):
    """A signer that ignores the signature's age."""

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        """Verify and return the value, whatever its timestamp."""
        return super().unsign(signed_value, None, return_timestamp)  # type: ignore[call-overload]


class Sessions(SecureCookieSessionInterface):
    """Flask's session cookie without an age check: a timestamp slightly ahead of this host's clock would be refused.

    The owner's session is limited by its database row instead.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """The serialiser, with the ageless signer."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _Ageless
        return serializer

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send a changed cookie, and `Vary: Cookie` if the response depends on it.

        Flask-Login reads the session in every request, so all responses would seem to; those marked
        `g.is_everybodys` do not, so that shared caches can store them.
        """
        if session.modified or not g.get("is_everybodys"):
            super().save_session(app, session, response)


def install(app: Flask) -> None:
    """Install the headers, the limits and the owner's area's CSRF protection."""
    settings = runtime_settings(app)
    app.config.setdefault("RATELIMIT_STORAGE_URI", _limit_storage(settings.broker))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {
        "socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)
    })  # fmt: skip
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # only the owner's area checks it; public forms use FormToken
    app.session_interface = Sessions()
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_nonce)
    app.after_request(_headers)
    app.context_processor(lambda: {"csp_nonce": g.get("csp_nonce", "")})


def runtime_settings(app: Flask) -> Any:
    """The settings of an app outside a request."""
    return app.extensions["newsletter"].runtime.settings


def _limit_storage(broker: str) -> str:
    return broker.replace("redis+socket://", "redis+unix://", 1)


def _nonce() -> None:
    g.csp_nonce = secrets.token_urlsafe(16)


def _headers(response: Response) -> Response:
    nonce = g.get("csp_nonce", "")
    policy = getattr(g, "csp", None) or (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; frame-src 'self'"
    )
    response.headers.setdefault("Content-Security-Policy", policy)
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not g.get("is_framed"):  # framed forms: frame-ancestors lists the owner's sites, which this header cannot
        response.headers["X-Frame-Options"] = "SAMEORIGIN" if "frame-ancestors 'self'" in policy else "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.url_rule is not None and "token" in request.url_rule.arguments:
        # A personal page: must not stay in a shared computer's cache, and its URL must not leak.
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
