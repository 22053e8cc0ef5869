"""Guides: shows what visitors get, read from the files, and changes what may be changed."""

from io import BytesIO
from typing import Any

from flask import render_template, send_file
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter.figures import figure
from newsletter.guides import BadGuide, Guide, Inspection, by_edition, inspect, picture
from newsletter.languages import marked
from newsletter.sequences import Sequence
from newsletter.web.cards import COVER_WIDTH
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner.dashboard import guide_numbers
from newsletter.web.owner.door import back_to_set_up, door, note, one_or_404
from newsletter.web.owner.forms import GuideForm
from newsletter.web.state import reading, runtime, transaction


@door.get("/guides", endpoint="guides")
def index() -> str:
    """List the guides with cover, pages, size and numbers."""
    with reading() as session:
        return _page(session)


def _page(session: Session, sent: tuple[int, GuideForm] | None = None) -> str:
    listed = []
    for numbers in guide_numbers(session):
        own = sent[1] if sent and sent[0] == numbers.guide.id else GuideForm(formdata=None, obj=numbers.guide)
        listed.append((numbers, own, *_inspected(numbers.guide)))
    series = session.scalars(select(Sequence).order_by(Sequence.id)).all()
    earlier = {numbers.guide.id: with_earlier(session, numbers.guide) for numbers, *_ in listed}
    return render_template("owner/guides.html", guides=listed, series=series, earlier=earlier)


def with_earlier(session: Session, guide: Guide) -> int:
    """Number of people who may be offered its newest edition."""
    if guide.edition == 1:
        return 0
    return figure(session, ("earlier edition", guide.id, guide.edition), lambda it: sum(by_edition(it, guide).values()))


def _inspected(guide: Guide) -> tuple[Inspection | None, str]:
    try:
        return inspect(guide.file(runtime().guides)), ""
    except BadGuide as error:
        return None, in_words(error)


@door.get("/guides/<row:id>/cover.png", endpoint="guide_cover")
def cover(id: int) -> Response:
    """Send a picture of the first page."""
    with reading() as session:
        guide = one_or_404(session, Guide, id)
    drawn = picture(guide.file(runtime().guides), 1, COVER_WIDTH, runtime().pictures)
    return send_file(BytesIO(drawn), mimetype="image/png", max_age=86400)


@door.get("/guides/<row:id>/guide.pdf", endpoint="guide_file")
def file(id: int) -> Response:
    """Send the PDF, without counting a download."""
    with reading() as session:
        guide = one_or_404(session, Guide, id)
    path = guide.file(runtime().guides)
    inspect(path)  # raises a readable error for a missing or broken file
    return send_file(path, mimetype="application/pdf", max_age=0)


def _is_beyond(form: GuideForm, guide: Guide) -> bool:
    """Whether the page to begin on is beyond the guide's last; if so, adds an error to the field."""
    pages = guide.pages(runtime().guides)
    if not pages or (form.begin_page.data or 0) <= pages:
        return False
    form.begin_page.errors = [
        ngettext(
            "The guide has %(num)s page; give one of them, or 0.",
            "The guide has %(num)s pages; give one of them, or 0.",
            pages,
        )
    ]
    return True


@door.post("/guides/<row:id>", endpoint="guide_save")
def save(id: int) -> Any:
    """Save its title and topic, the text of its form and its mail, and the attachment."""
    with transaction() as session:
        guide = one_or_404(session, Guide, id, lock=True)
        form = GuideForm()
        if not form.validate() or _is_beyond(form, guide):
            return _page(session, (id, form)), 422
        guide.title, guide.topic = form.title.data or "", form.topic.data or ""
        guide.box, guide.attach = form.box.data or "", bool(form.attach.data)
        guide.begin, guide.begin_page = form.begin.data or "", form.begin_page.data or 0
        guide.question = form.question.data or ""
        note(session, marked("guide saved"), f"{guide.slug}, attached: {'yes' if guide.attach else 'no'}")
    return back_to_set_up("guides", _("Saved."))
