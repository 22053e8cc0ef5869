"""Serves the pictures in texts to mail programs and pages anywhere; names are content hashes, so they never expire."""

import re
from io import BytesIO
from pathlib import Path

from flask import Blueprint, Response, abort, g, send_file

from newsletter.media import WIDTHS, light
from newsletter.web.state import runtime

door = Blueprint("media", __name__)
A_YEAR = 365 * 86400
_NAME = re.compile(r"[0-9a-f]{20}-[1-9]\d{0,3}x[1-9]\d{0,3}\.(?:jpg|png|gif)\Z")
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}


@door.get("/media/<name>")
def picture(name: str) -> Response:
    """One picture."""
    path = _path(name)
    return _for_ever(send_file(path, mimetype=_TYPES[name.rsplit(".", 1)[1]], max_age=A_YEAR))


@door.get("/media/<name>/<int:width>.webp")
def small(name: str, width: int) -> Response:
    """The same for a page: smaller, and lighter."""
    path = _path(name)
    if width not in WIDTHS:
        abort(404)
    try:
        made = light(path, width, runtime().pictures)
    except OSError:
        abort(404)
    return _for_ever(send_file(BytesIO(made), mimetype="image/webp", max_age=A_YEAR))


def _path(name: str) -> Path:
    path = runtime().media / name
    if not _NAME.match(name) or not path.is_file():
        abort(404)
    return path


def _for_ever(answer: Response) -> Response:
    g.csp, g.is_everybodys = "default-src 'none'", True
    answer.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
