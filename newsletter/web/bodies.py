"""Size limits of request bodies by route.

`Front` enforces them before reading a body from the socket; Flask gets the same limit, for tests without `Front`.
"""

from collections.abc import Mapping

from flask import Flask, abort, request
from werkzeug.exceptions import HTTPException

KIB = 1024
FORM = 64 * KIB
"""A form of a few fields."""
TEXT = 2560 * KIB
"""An article: 200,000 characters of up to twelve octets each when percent-encoded."""
LIST = 32 * 1024 * KIB
"""A subscriber file of half a million rows."""
PHOTO = 20_000_000
"""A photo from a good camera."""
BOOK = 25_000_000
"""A guide's PDF; more than most inboxes accept as an attachment."""
LARGEST: Mapping[str, int] = {
    "reports.take": TEXT,
    "owner.article_new": TEXT,
    "owner.article_edit": TEXT,
    "owner.article_typed": TEXT,
    "owner.draft_keep": TEXT,
    "owner.campaign_words_go_on": TEXT,
    "owner.campaign_words_preview": TEXT,
    "owner.throwaway_save": TEXT,
    "owner.privacy_save": TEXT,
    "owner.guide_landing": TEXT,
    "owner.guide_landing_preview": TEXT,
    "owner.guide_new": BOOK,
    "owner.picture_add": PHOTO,
    "owner.theme_save": PHOTO,
    "owner.guide_replace": BOOK,
    "owner.subscriber_import_send": LIST,
}
"""Octets by endpoint; the default is `FORM`. More than `TEXT` requires a live owner session."""
REFUSED = "newsletter.refused"
"""WSGI environ key under which `Front` stores the status for a body it refused."""


def largest(endpoint: str | None) -> int:
    """The body limit of this endpoint in octets."""
    return LARGEST.get(endpoint or "", FORM)


def install(app: Flask) -> None:
    """Set the limit for every request, and answer those whose body was refused."""
    app.before_request(_measure)


def _measure() -> None:
    limit = largest(request.endpoint)
    request.max_content_length = request.max_form_memory_size = limit
    refused = request.environ.get(REFUSED)
    if refused:
        abort(refused)
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _parse()


def _parse() -> None:
    """Parse the form now, so that a view cannot fail half-way on a truncated or oversized body."""
    try:
        request.form  # noqa: B018 - parsed and kept by this
    except HTTPException:
        raise
    except (ValueError, LookupError):  # an unknown charset or invalid boundary
        abort(400)
