"""Our own style sheets and scripts: under an address that changes with them, so that browsers keep them for ever."""

import gzip
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from typing import Any

import flask_bootstrap
from flask import Flask, Response, abort, g, request

from newsletter.settings import ROOT

FOLDERS = ("css", "js", "img")
"""Of `static/`; not `guides/`: a guide needs a signed link."""


def faces_in(package: str) -> dict[str, Path]:
    """The two weights of the typeface that this package carries, by what they are called here (static/css/face.css
    names them). None where it is not installed: pages then have what the reader's machine has."""
    found = find_spec(package)
    folders = [Path(one) / "files" for one in (found.submodule_search_locations or () if found else ())]
    files = [folder / f"HankenGrotesk-{weight}.otf" for folder in folders for weight in ("Regular", "Bold")]
    return {f"packages/{path.name}": path for path in files if path.is_file()}


FACES = faces_in("font_hanken_grotesk")
PACKAGED = FACES | {
    "packages/bootstrap.min.css": Path(flask_bootstrap.__file__).parent / "static/bootstrap5/css/bootstrap.min.css"
}
"""Files that packages carry, by what they are called here."""
A_YEAR, AN_HOUR = 365 * 86400, 3600
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".otf": "font/otf"}
"""What becomes much smaller when it is packed."""


def install(app: Flask) -> None:
    """Serve them. `url_for("static", filename=…)` gives the address that changes; scripts find their parts there."""
    app.add_url_rule("/assets/<version>/<path:filename>", "static", asset)
    app.add_url_rule("/static/<path:filename>", "static", asset)
    app.jinja_env.globals["faces"] = lambda: tuple(FACES)

    @app.url_defaults
    def _versioned(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", print_of_all())


@cache
def print_of_all() -> str:
    """One print of all of them, for scripts name each other without one. As they were when this process began."""
    digest = sha256()
    ours = (path for folder in FOLDERS for path in sorted((ROOT / "static" / folder).rglob("*.*")))
    for path in (*ours, *PACKAGED.values()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def asset(filename: str, version: str = "") -> Response:
    """One file. Under the print of another version it is today's, but not for long: an earlier page asks for it."""
    path = _path(filename)
    packs = path.suffix in _TYPES and bool(request.accept_encodings["gzip"])
    kind = _TYPES.get(path.suffix) or guess_type(path.name)[0]
    answer = Response(_octets(path, packed=packs), mimetype=kind)
    if packs:
        answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    g.is_everybodys = True
    kept = f"{A_YEAR}, immutable" if version == print_of_all() else str(AN_HOUR)
    answer.headers["Cache-Control"] = f"public, max-age={kept}"
    return answer


def _path(filename: str) -> Path:
    if (packaged := PACKAGED.get(filename)) is not None:
        return packaged
    if "\0" in filename:
        abort(404)
    path = (ROOT / "static" / filename).resolve()
    if not any(path.is_relative_to(ROOT / "static" / folder) for folder in FOLDERS) or not path.is_file():
        abort(404)
    return path


@cache
def _octets(path: Path, *, packed: bool) -> bytes:
    """As they were when this process first served them. There are few, and none is large."""
    whole = path.read_bytes()
    return gzip.compress(whole, 9, mtime=0) if packed else whole
