"""Pictures of guide pages: WebP for browsers, and PNG for mail programs and clients without WebP."""

from io import BytesIO

from flask import Blueprint, g, redirect, request, send_file, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from newsletter.guides import inspect, webp
from newsletter.guides import picture as png
from newsletter.web.cards import COVER_WIDTH, guide_or_404
from newsletter.web.landing import page_of
from newsletter.web.state import reading, runtime

door = Blueprint("guide_pages", __name__)
A_DAY, A_YEAR = 86400, 365 * 86400


@door.get("/guides/<slug>/pages/<int:page>.png")
def whole(slug: str, page: int) -> Response:
    """A page as PNG."""
    return _sent(slug, page, COVER_WIDTH, "png")


@door.get("/guides/<slug>/pages/<int:page>-<int:width>.webp")
def light(slug: str, page: int, width: int) -> Response:
    """A page as WebP in one of `WIDTHS`, for `srcset`."""
    return _sent(slug, page, width, "webp")


def _sent(slug: str, page: int, width: int, kind: str) -> Response:
    """The cover and the landing page's sample pages; a signed-in owner, who chooses the samples, sees all pages.

    Other pages redirect to the guide's page, because their URLs may be bookmarked or indexed.
    """
    with reading() as session:
        guide = guide_or_404(session, slug)
        path, shows = guide.file(runtime().guides), page_of(guide)
    is_shown = page == 1 or (shows is not None and page in shows.sample_pages)
    if not is_shown and not current_user.is_authenticated:
        return _to_guide(slug)
    draw = webp if kind == "webp" else png
    try:
        drawn = draw(path, page, width, runtime().pictures)
    except IndexError:
        return _to_guide(slug)
    answer = send_file(BytesIO(drawn), mimetype=f"image/{kind}", max_age=A_DAY)
    g.is_everybodys = is_shown and not guide.hidden
    if not g.is_everybodys:
        answer.headers["Cache-Control"] = f"private, max-age={A_DAY}"
    elif request.args.get("v") == inspect(path).stamp:
        answer.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    return answer


def _to_guide(slug: str) -> Response:
    return redirect(url_for("public.guide", slug=slug))
