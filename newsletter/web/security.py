"""Headers every answer carries, form tokens without a cookie, and how often a client may knock."""

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
"""Seconds that a page waits for a Redis that hangs; then limits are counted in memory."""
csrf = CSRFProtect()
limiter = Limiter(
    client_household,
    in_memory_fallback_enabled=True,  # with Redis down the limits hold for each process
    headers_enabled=False,
    strategy="fixed-window",
)


class FormToken(CSRF):
    """A signed token in the form itself, so that the sign-up page sets no cookie (STANDARDS.md 21).

    A visitor has no session that another site could ride on; the token proves that the form came from here, and
    when.
    """

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        """A fresh token: the second in which its time is over, signed."""
        return runtime().signer.token(Purpose.FORM, int(now().timestamp()) + FORM_HOURS * 3600)

    def validate_csrf_token(self, form: Form, field: Any) -> None:
        """Raise ValidationError for a token that is missing, forged or too old."""
        try:
            (last_second,) = runtime().signer.numbers(Purpose.FORM, field.data or "")
            still_good(last_second, now())
        except BadLink:
            raise ValidationError(_("This form did not come from our page. Please send it again.")) from None
        except ExpiredLink:
            raise ValidationError(_("This page was open for more than a day. Please send it again.")) from None


class _Ageless(TimestampSigner):
    """A signature whose age decides nothing."""

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        """Read what was signed, whenever that was, by whichever clock."""
        return super().unsign(signed_value, None, return_timestamp)  # type: ignore[call-overload]


class Sessions(SecureCookieSessionInterface):
    """Flask's cookie, without its age: one that was signed a second ahead of this host's clock would count as expired.

    The owner's session ends by its row in the database.
    """

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """What cookies are signed with."""
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _Ageless
        return serializer

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the cookie where it has changed, and say where an answer hangs on one.

        Flask-Login looks into the session behind every request, so all of them would seem to. What is the same for
        everybody (`g.is_everybodys`) does not: a cache between us and its readers may keep it for all.
        """
        if session.modified or not g.get("is_everybodys"):
            super().save_session(app, session, response)


def install(app: Flask) -> None:
    """Wire the headers, the limits and the owner's CSRF protection into the app."""
    settings = runtime_settings(app)
    app.config.setdefault("RATELIMIT_STORAGE_URI", _limit_storage(settings.broker))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {
        "socket_connect_timeout": PATIENCE, "socket_timeout": PATIENCE, "retry": Retry(NoBackoff(), 0)
    })  # fmt: skip
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # the owner's area asks for it; public forms carry a FormToken
    app.session_interface = Sessions()
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_nonce)
    app.after_request(_headers)
    app.context_processor(lambda: {"csp_nonce": g.get("csp_nonce", "")})


def runtime_settings(app: Flask) -> Any:
    """The settings of an app that serves no request yet."""
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
    if not g.get("is_framed"):  # a form on the owner's sites: frame-ancestors says which, and this header cannot
        response.headers["X-Frame-Options"] = "SAMEORIGIN" if "frame-ancestors 'self'" in policy else "DENY"
    response.headers["Referrer-Policy"] = "same-origin"
    if request.url_rule is not None and "token" in request.url_rule.arguments:
        # A personal page: on a shared computer nobody finds it in the cache, and its address travels nowhere.
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response
