"""An accent colour for light and dark mode as a style sheet, because the CSP forbids inline styles."""

import re

from flask import Blueprint, Response, abort, g, url_for

from newsletter.contrast import ACCENT, DARK, LIGHT, lightened, nearest

door = Blueprint("colours", __name__)
DAY, NIGHT = "#f1ebdf", "#1c2525"
"""The darkest light and the lightest dark background behind text (--band and --raised in static/css/site.css)."""
A_DAY = 86400
_SIX_DIGITS = re.compile(r"[0-9a-f]{6}\Z")


@door.get("/colours/<colour>.css")
def sheet(colour: str) -> Response:
    """The sheet for the site in the owner's colour, or for a guide's page."""
    if not _SIX_DIGITS.match(colour):
        abort(404)
    day = _colours(nearest(f"#{colour}", DAY), LIGHT)
    night = _colours(lightened(f"#{colour}", NIGHT), DARK)
    answer = Response(f"{day}\n@media screen and (prefers-color-scheme: dark) {{ {night} }}\n", mimetype="text/css")
    answer.cache_control.max_age = A_DAY
    g.is_everybodys = True
    return answer


def _colours(accent: str, on_accent: str) -> str:
    return f"body {{ --accent: {accent}; --accent-strong: {accent}; --on-accent: {on_accent}; }}"


def sheet_of(accent: str) -> str:
    """The URL of this colour's sheet; "" for the site's default colour."""
    colour = accent.lower()
    return "" if colour == ACCENT else url_for("colours.sheet", colour=colour.removeprefix("#"))
