"""How large a request may be, for each route, and who may send a large one: the one place that says so.

`Front` asks before it reads a body from a socket; Flask is told the same number, so that a form that is parsed
without `Front` (in tests) is measured alike.
"""

from collections.abc import Mapping

from flask import Flask, abort, request
from werkzeug.exceptions import HTTPException

KIB = 1024
FORM = 64 * KIB
"""A form of a few fields, whoever sends it."""
TEXT = 2560 * KIB
"""An article: 200,000 characters, each up to twelve octets when a browser percent-encodes them."""
LIST = 32 * 1024 * KIB
"""A file of people: half a million of them."""
PHOTO = 20_000_000
"""A photo as a good camera makes it."""
BOOK = 25_000_000
"""A guide: what mail programs still take with a link, and more than most inboxes take attached."""
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
"""Octets by endpoint. A route that is not here takes `FORM`; what is larger than `TEXT` needs a session that lives."""
REFUSED = "newsletter.refused"
"""The key of a request's environment under which `Front` leaves the status of a body that it did not take."""


def largest(endpoint: str | None) -> int:
    """The octets that a body for this endpoint may have."""
    return LARGEST.get(endpoint or "", FORM)


def install(app: Flask) -> None:
    """Measure every request, and answer those whose body was not taken."""
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
    """Read the form now: a page must not find out in the middle of its work that it was cut off or too large."""
    try:
        request.form  # noqa: B018 - parsed and kept by this
    except HTTPException:
        raise
    except (ValueError, LookupError):  # a charset or a boundary that nobody knows
        abort(400)
