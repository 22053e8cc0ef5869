"""Our style sheets and scripts, under URLs that change with them, so that browsers can cache them for ever."""

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
"""Public folders of `static/`; `guides/` is not, because guides need a signed link."""


def faces_in(package: str) -> dict[str, Path]:
    """The two weights of the typeface in this package, by their names here (see static/css/face.css); empty if it is
    not installed: pages then use the reader's fonts."""
    found = find_spec(package)
    folders = [Path(one) / "files" for one in (found.submodule_search_locations or () if found else ())]
    files = [folder / f"HankenGrotesk-{weight}.otf" for folder in folders for weight in ("Regular", "Bold")]
    return {f"packages/{path.name}": path for path in files if path.is_file()}


FACES = faces_in("font_hanken_grotesk")
PACKAGED = FACES | {
    "packages/bootstrap.min.css": Path(flask_bootstrap.__file__).parent / "static/bootstrap5/css/bootstrap.min.css"
}
"""Files from installed packages, by their names here."""
A_YEAR, AN_HOUR = 365 * 86400, 3600
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".otf": "font/otf"}
"""Types worth compressing."""


def install(app: Flask) -> None:
    """Serve them; `url_for("static", filename=…)` gives the versioned URL, also for relative imports of scripts."""
    app.add_url_rule("/assets/<version>/<path:filename>", "static", asset)
    app.add_url_rule("/static/<path:filename>", "static", asset)
    app.jinja_env.globals["faces"] = lambda: tuple(FACES)

    @app.url_defaults
    def _versioned(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", print_of_all())


@cache
def print_of_all() -> str:
    """A single version hash for all files, because scripts import each other by relative URL. Computed once."""
    digest = sha256()
    ours = (path for folder in FOLDERS for path in sorted((ROOT / "static" / folder).rglob("*.*")))
    for path in (*ours, *PACKAGED.values()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def asset(filename: str, version: str = "") -> Response:
    """One file. Another version's URL, from an older page, gets the current file with a short cache time."""
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
    """The content, cached for the life of the process; the files are few and small."""
    whole = path.read_bytes()
    return gzip.compress(whole, 9, mtime=0) if packed else whole
