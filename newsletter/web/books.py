"""The phone edition of a guide: its page, and the service worker that keeps it available offline."""

from flask import Blueprint, abort, g, render_template, request, send_file, url_for
from markupsafe import Markup
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from newsletter import guides
from newsletter.guides import Guide
from newsletter.links import Purpose
from newsletter.settings import ROOT
from newsletter.web.colours import sheet_of
from newsletter.web.language import _, lazy
from newsletter.web.personal import numbers, person_or_gone
from newsletter.web.state import now, runtime, transaction

door = Blueprint("books", __name__)
NOT_YOURS = lazy("This guide is not in your library yet; you can ask for it there.")


@door.get("/library/<token>/<slug>/")
def read(token: str, slug: str) -> str:
    """The reader's guide as a page. Opening it counts as a download."""
    (subscriber_id,) = numbers(Purpose.LIBRARY, token)
    with transaction() as session:
        subscriber = person_or_gone(session, subscriber_id)
        guide = session.scalar(select(Guide).where(Guide.slug == slug)) or abort(404)
        try:
            book = guide.phone_edition(runtime().guides).read_text(encoding="utf-8")
        except OSError:
            abort(404, _("This guide has no edition for phones; your library has it as a PDF."))
        if request.method == "GET" and not guides.fetch(session, subscriber, guide, now()):
            abort(404, NOT_YOURS)
        title, accent = guide.title, guide.mail_accent
    nonce = g.csp_nonce
    g.csp = (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'nonce-{nonce}'; worker-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return render_template(
        "public/read.html", title=title, slug=slug, book=Markup(book),  # noqa: S704 - a file of ours, built from our sources
        colours_url=sheet_of(accent),
        library_url=url_for("personal.library", token=token),
        pdf_url=url_for("personal.own_pdf", token=token, slug=slug),
    )  # fmt: skip


@door.get("/library/offline.js")
def worker() -> AnyResponse:
    """The service worker; at this path, because it only controls pages in its own folder."""
    return send_file(ROOT / "static" / "js" / "offline.js", mimetype="text/javascript", max_age=0)
