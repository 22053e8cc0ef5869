"""The HTTP application: pages for visitors, readers and owners, and machine interfaces."""

from typing import Any

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError, OperationalError

from newsletter.db import names_what_is_gone, was_broken_off
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.web import (
    access,
    again,
    assets,
    bodies,
    books,
    clicks,
    colours,
    embed,
    errors,
    feedback,
    form_page,
    guide_pages,
    health,
    inbox,
    language,
    media,
    own,
    owner,
    personal,
    preferences,
    public,
    reports,
    security,
    sharing,
)
from newsletter.web.origin import Origin
from newsletter.web.rows import Number, RowId
from newsletter.web.small_picture import small_picture
from newsletter.web.state import DeliveryTrigger, WebState, has_committed

TRIES = 3
"""Attempts per request when the database aborts its transaction."""


class Site(Flask):
    """Flask that retries a request whose transaction the database aborted: for a deadlock, or because a row it refers
    to was deleted concurrently."""

    def log_exception(self, exc_info: Any) -> None:
        """Log the route; Flask would log the path, which may be a personal link."""
        access.unexpected(exc_info)

    def dispatch_request(self) -> ResponseReturnValue:
        """Serve the request, retrying as long as it has committed nothing."""
        for _ in range(TRIES - 1):
            try:
                return super().dispatch_request()
            except (OperationalError, IntegrityError) as error:
                if not (was_broken_off(error) or names_what_is_gone(error)) or has_committed():
                    raise
        return super().dispatch_request()


def create(runtime: Runtime, trigger: DeliveryTrigger) -> Flask:
    """The Flask application on one Runtime."""
    app = Site("newsletter", template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.update(
        SECRET_KEY=runtime.settings.secret,
        MAX_FORM_PARTS=200,
        # __Host-: this host only, over TLS only, for all paths (RFC 6265bis §4.1.3.2).
        SESSION_COOKIE_NAME="__Host-session" if runtime.settings.is_https else "session",
        SESSION_COOKIE_SECURE=runtime.settings.is_https,
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    app.extensions["newsletter"] = WebState(runtime, trigger)
    app.wsgi_app = Origin(app.wsgi_app, lambda: security.runtime_settings(app))  # type: ignore[method-assign]
    app.url_map.converters.update(row=RowId, int=Number)
    for room in (access, security, language, bodies, errors):
        room.install(app)
    assets.install(app)
    app.jinja_env.globals["small_picture"] = small_picture
    doors = (
        public, guide_pages, sharing, form_page, inbox, again, embed, personal, books, preferences, own, feedback,
        clicks, colours, reports, health, media,
    )  # fmt: skip
    for door in (room.door for room in doors):
        app.register_blueprint(door)
    owner.install(app)
    return app
