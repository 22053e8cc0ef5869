"""Click tracking: redirects at once, whether or not the click can be recorded.

The destination is signed, so this is no open redirect. Nothing here uses the database.
"""

import structlog
from flask import Blueprint, Response, request

from newsletter.feedback import Hit
from newsletter.links import Purpose
from newsletter.mail.render.counted import Destination
from newsletter.web.state import runtime, state

door = Blueprint("clicks", __name__)
BEFOREHAND = ("prefetch", "prerender", "preview")
log = structlog.get_logger()


@door.get("/c/<token>")
def follow(token: str) -> Response:
    """Redirect to the destination (also for HEAD). Raises BadLink, for which there is an error page."""
    link, _, tag = token.rpartition(".")
    destination = Destination.read(runtime().signer, link)
    (message,) = runtime().signer.numbers(Purpose.CLICK, tag)
    _keep(Hit(message=message, destination=destination, at=runtime().clock.glance(), by_machine=_is_by_machine()))
    return Response("", 302, {"Location": destination.address}, mimetype="text/plain")


def _is_by_machine() -> bool:
    """Whether this is a HEAD request or a prefetch."""
    told = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()
    return request.method == "HEAD" or any(word in told for word in BEFOREHAND)


def _keep(hit: Hit) -> None:
    """Record the click; a failure must not stop the redirect."""
    try:
        if runtime().clicks.note(hit):
            state().clicks.wake()
    except OSError as error:
        log.error("a click is lost", error=f"{type(error).__name__}: {error.strerror}")
