"""Icons, sitemap, robots.txt and preview pictures, for browsers, search engines and link previews."""

from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from flask import Blueprint, Response, abort, g, request, send_file, url_for
from markupsafe import escape
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import brand, topics
from newsletter.guides import Guide
from newsletter.guides.share import share_picture
from newsletter.web import published
from newsletter.web.cards import shown_guides
from newsletter.web.state import now, reading, runtime

door = Blueprint("sharing", __name__)
GROUND, INK = "#0f5f63", "#ffffff"
ICON_SIZES = ((48, 48), (32, 32), (16, 16))
A_DAY = 86400
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
MOST_URLS = 50_000
"""Per sitemap (sitemaps.org)."""
PRIVATE = (
    "confirm", "library", "download", "preferences", "unsubscribe", "not-me", "view", "own", "c", "reports", "owner",
)  # fmt: skip


def canonical() -> str:
    """The canonical URL of this page.

    For a form re-rendered after a POST that is the page it was sent from (`g.shown_again`), else the home page.
    """
    if "shown_again" in g:
        return _absolute(g.shown_again)
    shown = request.endpoint if request.method in ("GET", "HEAD") else None
    values: dict[str, Any] = dict(request.view_args or {}) if shown else {}
    return _absolute(url_for(shown or "public.home", **values))


def _absolute(path: str) -> str:
    return runtime().settings.site + path.removeprefix(request.script_root)


@door.get("/icon.svg")
def icon() -> Response:
    """The site's icon: the brand's first letter."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="7" fill="{GROUND}"/>'
        '<text x="16" y="23" font-family="Georgia,serif" font-size="20" font-weight="700" text-anchor="middle" '
        f'fill="{INK}">{escape(_letter())}</text></svg>'
    )
    return Response(svg, mimetype="image/svg+xml", headers={"Cache-Control": f"max-age={A_DAY}"})


@door.get("/favicon.ico")
def favicon() -> Response:
    """The icon as ICO, at the traditional URL."""
    side = ICON_SIZES[0][0]
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, side - 1, side - 1), radius=side // 5, fill=GROUND)
    draw.text((side / 2, side / 2), _letter(), fill=INK, anchor="mm", font=ImageFont.load_default(side * 2 // 3))
    out = BytesIO()
    image.save(out, format="ICO", sizes=ICON_SIZES)
    out.seek(0)
    return send_file(out, mimetype="image/x-icon", max_age=A_DAY)


def _letter() -> str:
    with reading() as session:
        return brand.current(session).name[:1].upper()


@door.get("/guides/<slug>/share.png")
def guide_picture(slug: str) -> Response:
    """A guide's preview picture for links on other sites."""
    with reading() as session:
        found = session.scalar(select(Guide).where(Guide.slug == slug, ~Guide.hidden)) or abort(404)
        drawn = share_picture(found.file(runtime().guides), found.accent, runtime().pictures)
    return send_file(BytesIO(drawn), mimetype="image/png", max_age=A_DAY)


@door.get("/robots.txt")
def robots() -> Response:
    """Exclude personal pages and the owner's area, and point to the sitemap (RFC 9309)."""
    lines = ["User-agent: *", *(f"Disallow: {request.script_root}/{path}/" for path in PRIVATE),
             f"Sitemap: {runtime().settings.site}/sitemap.xml"]  # fmt: skip
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@door.get("/sitemap.xml")
def sitemap() -> Response:
    """The sitemap of all public pages."""
    urls = Element("urlset", xmlns=SITEMAP)
    with reading() as session:
        for path, changed in _pages(session):
            entry = SubElement(urls, "url")
            SubElement(entry, "loc").text = _absolute(path)
            if changed:
                SubElement(entry, "lastmod").text = changed
    return Response(tostring(urls, encoding="utf-8", xml_declaration=True), mimetype="application/xml")


def _pages(session: Session) -> list[tuple[str, str]]:
    """(path, last change as a W3C date and time, or "")."""
    guides = (url_for("public.guide", slug=one.slug) for one in shown_guides(session))
    texts = (url_for("public.page", name=name) for name in ("privacy", "cookies", "terms"))
    about = (url_for("public.topic", slug=one.slug) for one in topics.open_ones(session))
    fixed = [url_for("public.home"), url_for("public.resources"), *guides, url_for("public.archive"), *about, *texts]
    articles = published.newest(session, now(), MOST_URLS - len(fixed))
    return [
        *((path, "") for path in fixed),
        *((url_for("public.article", slug=one.slug), one.updated_at.isoformat(timespec="seconds")) for one in articles),
    ]
