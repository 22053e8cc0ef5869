"""Serves the pictures in texts to mail programs and pages anywhere; names are content hashes, so they never expire."""

import re

from flask import Blueprint, Response, abort, g, send_file

from newsletter.web.state import runtime

door = Blueprint("media", __name__)
A_YEAR = 365 * 86400
_NAME = re.compile(r"[0-9a-f]{20}-[1-9]\d{0,3}x[1-9]\d{0,3}\.(?:jpg|png|gif)\Z")
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}


@door.get("/media/<name>")
def picture(name: str) -> Response:
    """One picture."""
    path = runtime().media / name
    if not _NAME.match(name) or not path.is_file():
        abort(404)
    g.csp, g.is_everybodys = "default-src 'none'", True
    answer = send_file(path, mimetype=_TYPES[name.rsplit(".", 1)[1]], max_age=A_YEAR)
    answer.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
