"""Error pages: what happened and what to do."""

import time
from math import ceil
from typing import Any

import structlog
from flask import Flask, Response, make_response, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, TooManyRequests

from newsletter.content import BadContent
from newsletter.db import Gone
from newsletter.guides import BadGuide
from newsletter.journey import LinkOver
from newsletter.links import BadLink, ExpiredLink
from newsletter.mail.render import BadArticle
from newsletter.web.forms import PASSWORDS
from newsletter.web.language import _, give_up, lazy, ngettext
from newsletter.web.security import limiter

log = structlog.get_logger()
TITLES = {
    400: lazy("That did not work"),
    403: lazy("Not allowed"),
    404: lazy("This page does not exist"),
    405: lazy("This address cannot be used that way"),
    408: lazy("That took too long"),
    413: lazy("That was too much"),
    429: lazy("Too many at once"),
    500: lazy("Something went wrong here"),
    503: lazy("Not available just now"),
}
TEXTS = {
    404: lazy("The address may be misspelt, or the page has been removed."),
    405: lazy("Please go back and use the page's own button."),
    408: lazy("What you sent did not arrive in time. Please check your connection and send it again."),
    413: lazy("What was sent is larger than any form of ours needs. Please shorten it and send it again."),
    500: lazy("It is our fault, it has been noted, and nothing you sent is half stored. Please try again in a moment."),
}
LONGEST_LIMIT = 60
"""Seconds to wait if a limit does not say when it resets."""
DISK_FULL = ("disk is full", "No space left", "disk I/O error", "could not extend file")


def install(app: Flask) -> None:
    """Register the error handlers."""
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(TooManyRequests, too_many)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(BadLink, _bad_link)
    app.register_error_handler(ExpiredLink, _expired_link)
    app.register_error_handler(LinkOver, _link_over)
    app.register_error_handler(BadGuide, _bad_guide)
    app.register_error_handler(BadArticle, _bad_article)
    app.register_error_handler(BadContent, _bad_article)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(DataError, _unfit)
    app.register_error_handler(OSError, _machine)
    app.register_error_handler(Gone, _gone)


def _page(code: int, title: str, text: str, action: tuple[str, str] | None = None, **more: Any) -> Any:
    if request.path.startswith("/owner"):
        template = "owner/error.html"
    else:
        template = "public/error.html"
    try:
        return render_template(template, code=code, title=title, text=text, action=action, **more), code
    except Exception as error:  # noqa: BLE001 - the template may need the database; an error page must not fail
        log.error("error page could not be shown", error=type(error).__name__)
        return Response(f"{title}\n\n{text}\n", code, mimetype="text/plain; charset=utf-8")


def http(error: HTTPException) -> Any:
    """The page for an HTTP error."""
    code = error.code or 500
    if code < 400:
        return error
    said = error.description if error.description != type(error).description else ""
    text = said or TEXTS.get(code, "")
    return _page(code, TITLES.get(code, error.name), text or _("Please go back and try again."))


def too_many(error: TooManyRequests) -> Any:
    """429 with Retry-After (RFC 6585 §4), and the typed values in a form that can be sent again."""
    reached = limiter.current_limit
    wait = max(1, ceil(reached.reset_at - time.time())) if reached else LONGEST_LIMIT
    text = _wait_told(wait)
    if request.form:
        text += " " + _("What you typed is kept on this page.")
    typed = [pair for pair in request.form.items(multi=True) if pair[0] not in PASSWORDS]
    asked = [(name, label) for name, label in PASSWORDS.items() if name in request.form]
    answer = make_response(_page(429, TITLES[429], text, typed=typed, asked=asked))
    answer.headers["Retry-After"] = str(wait)
    return answer


def _wait_told(seconds: int) -> str:
    if seconds < 120:
        return ngettext(
            "Please try again in %(num)d second. Nothing you sent before is lost.",
            "Please try again in %(num)d seconds. Nothing you sent before is lost.",
            seconds,
        )
    return ngettext(
        "Please try again in %(num)d minute. Nothing you sent before is lost.",
        "Please try again in %(num)d minutes. Nothing you sent before is lost.",
        ceil(seconds / 60),
    )


def _csrf(error: CSRFError) -> Any:
    text = _("Please reload the page and send the form again; nothing was changed.")
    return _page(400, _("This form has expired"), text)


def _bad_link(error: BadLink) -> Any:
    text = _("Part of the address may be missing. Please open the link from the e-mail again, or copy all of it.")
    return _page(404, _("This link is not complete"), text)


def _expired_link(error: ExpiredLink) -> Any:
    text = _("Links like this one only work for a while. Please sign up again, and we send you a fresh one at once.")
    return _page(410, _("This link has run out"), text, (_("Sign up again"), url_for("public.home")))


def _link_over(error: LinkOver) -> Any:
    text = _(
        "Since this link was sent you have left, or have said that it was not you, or your address stopped working. "
        "So it does nothing any more. To come back, please sign up again; we then send you a fresh link. Only if you "
        "have told us never to write to this address, no form reaches it: then please write to us first."
    )
    return _page(410, _("This link is over"), text, (_("Sign up again"), url_for("public.home")))


def _bad_article(error: BadArticle | BadContent) -> Any:
    log.error("article", error=str(error))
    if request.path.startswith("/view/"):
        text = _("Its text holds something that cannot be put together any more.")
        return _page(410, _("This mail cannot be shown"), text)
    text = _(
        "Its text holds something that cannot be put together. Whoever runs this site sees that, and what to change."
    )
    return _page(503, _("This page cannot be shown just now"), text)


def _bad_guide(error: BadGuide) -> Any:
    log.error("guide", error=str(error))
    if request.path.startswith("/owner"):
        return _page(503, TITLES[503], str(error))
    text = _("This guide is being prepared. Please open the same link a little later: it stays good.")
    return _page(503, _("The guide is not ready just now"), text)


def _database(error: OperationalError) -> Any:
    # A full disk makes SQLite roll back by itself; the last error may only be about a lost savepoint.
    reasons, before = [str(error.orig)], error.__context__
    while isinstance(before, OperationalError):
        reasons.append(str(before.orig))
        before = before.__context__
    return _failed(" ".join(reasons))


def _unfit(error: DataError) -> Any:
    """A NUL byte or an integer beyond 64 bits, which PostgreSQL cannot store."""
    return http(NotFound() if request.method in ("GET", "HEAD") else BadRequest())


def _gone(error: Gone) -> Any:
    text = _("It was deleted while your request was on its way; nothing is left of it here.")
    return _page(410, _("This is gone"), text)


def _machine(error: OSError) -> Any:
    text = _("A file that this page needs cannot be read. Nothing is half done; please try again in a minute.")
    return _failed(f"{type(error).__name__}: {error.strerror}", text)


def _failed(reason: str, text: str = "") -> Any:
    log.error("could not store", reason=reason)
    give_up()
    if any(sign in reason for sign in DISK_FULL):
        text = _("Our disk is full, so nothing could be stored; nothing is half done. Please try again later.")
    text = text or _("Our database does not answer just now. Nothing is half done; please try again in a minute.")
    return _page(503, TITLES[503], text)
