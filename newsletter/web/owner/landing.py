"""The editor of a guide's public page, with previews for phone and desktop."""

from io import BytesIO
from typing import Any

from flask import abort, g, render_template, request, send_file
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand
from newsletter.guides import BadGuide, BadLanding, Block, Guide, Kind, LandingPage, picture
from newsletter.guides.landing import MOST_BLOCKS, Faults, read
from newsletter.languages import marked, said
from newsletter.mail.render import BadArticle
from newsletter.media import Picture
from newsletter.web.cards import card, page_html
from newsletter.web.landing import page_of, shown, written
from newsletter.web.language import _, lazy
from newsletter.web.owner.display import size
from newsletter.web.owner.door import LANDING, back_to_set_up, door, note, one_or_404
from newsletter.web.owner.landing_form import Draft, Typed
from newsletter.web.public import around
from newsletter.web.sign_up import guide_boxes
from newsletter.web.state import reading, runtime, transaction

NAMES = {
    Kind.OUTCOMES: lazy("What readers get out of it"), Kind.SAMPLES: lazy("Sample pages"),
    Kind.AUTHOR: lazy("Who wrote it"), Kind.QUESTIONS: lazy("Questions and answers"), Kind.TEXT: lazy("Text"),
    Kind.QUOTE: lazy("A quotation"), Kind.PICTURE: lazy("A picture"), Kind.FORM: lazy("The form once more"),
    Kind.LINK: lazy("A button that leads up to the form"),
}  # fmt: skip
THUMB = 150
"""Width in pixels of the pages from which samples are chosen."""
HEAVIEST = 120_000
"""Most octets of all texts as HTML; with the rest, the page stays below 200 kB."""
MOST_PICTURES = 100
"""Pictures of the library offered."""


@door.route("/guides/<row:id>/page", methods=["GET", "POST"], endpoint="guide_landing")
def edit(id: int) -> Any:
    """Edit its blocks. Only “Save” changes what visitors see."""
    if request.method == "GET":
        with reading() as session:
            guide = one_or_404(session, Guide, id)
            return _page(session, guide, Typed.of(page_of(guide)), seen=_stamp(guide))
    button, typed = request.form.get("do", ""), Typed.sent(request.form)
    typed.press(button, request.form)
    with transaction() if button == "save" else reading() as session:
        guide = one_or_404(session, Guide, id, lock=button == "save")
        if button != "save":
            return _page(session, guide, typed, seen=request.form.get(LANDING, ""), is_unsaved=True)
        theirs = None if request.form.get(LANDING) == _stamp(guide) else page_of(guide) or LandingPage()
        page, faults = _read(session, guide, typed)
        if page is None or theirs is not None:
            return _page(session, guide, typed, faults, seen=_stamp(guide), is_unsaved=True, theirs=theirs), 422
        guide.landing = page.as_json()
        note(session, marked("guide's page saved"), guide.slug)
        told = (_("Saved. Visitors see it so from now on.") if not guide.hidden
                else _("Saved. Visitors see it so as soon as you show the guide."))  # fmt: skip
    return back_to_set_up("guide_landing", told, id=id)


def _stamp(guide: Guide) -> str:
    """A fingerprint of the stored page; "" while there is none."""
    page = page_of(guide)
    return page.stamp if page else ""


def _read(session: Session, guide: Guide, typed: Typed) -> tuple[LandingPage | None, Faults]:
    """(page typed, no errors), or (None, errors by place)."""
    there = set(session.scalars(select(Picture.name)))
    pages = guide.pages(runtime().guides)
    try:
        page = read(typed.data, pages=pages, is_picture=there.__contains__)
    except BadLanding as error:
        return None, error.faults
    faults, heavy, house = Faults(), 0, brand.current(session)
    for place, block in enumerate(page.blocks):
        for number, text in enumerate(block.markdown):
            try:
                heavy += len(page_html(text, house).encode())
            except BadArticle as error:
                faults[place, f"answer-{number}" if block.pairs else "text"] = error.args[0]
    if heavy > HEAVIEST:
        faults[None, "blocks"] = said(
            "The texts of this page weigh %(size)s, and %(most)s are the most: on a phone it must open at once.",
            size=size(heavy), most=size(HEAVIEST),
        )  # fmt: skip
    return (None if faults else page), faults


def _page(session: Session, guide: Guide, typed: Typed, faults: Faults | None = None, *, seen: str,
          is_unsaved: bool = False, theirs: LandingPage | None = None) -> str:  # fmt: skip
    wrong = {
        f"{'' if place is None else f'b.{typed.place(place)}.'}{name}": told
        for (place, name), told in (faults or {}).items()
    }
    pictures = session.scalars(select(Picture).order_by(Picture.id.desc()).limit(MOST_PICTURES)).all()
    return render_template(
        "owner/landing.html", guide=guide, typed=typed, wrong=wrong, seen=seen, is_unsaved=is_unsaved,
        names={kind.value: name for kind, name in NAMES.items()},
        theirs=[Draft.of(block) for block in theirs.blocks] if theirs else None, pictures=pictures,
        pages=guide.pages(runtime().guides), is_from_file=guide.landing is None and written(guide.slug) is not None,
    )  # fmt: skip


@door.post("/guides/<row:id>/page/preview", endpoint="guide_landing_preview")
def preview(id: int) -> Any:
    """The page as typed, for a frame: nothing is saved, no script runs, and its form does nothing."""
    with reading() as session:
        guide, typed = one_or_404(session, Guide, id), Typed.sent(request.form)
        house = brand.current(session)
        form = guide_boxes(session, [guide], house, formdata=None)[guide.slug]
        landing = shown(session, guide, house, _as_far_as(typed, guide))
        g.csp = (
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; form-action 'none'; "
            "base-uri 'none'; frame-ancestors 'self'; sandbox allow-same-origin"
        )
        return render_template(
            "public/guide.html", card=card(guide), form=form, landing=landing, is_preview=True, **around()
        )


def _as_far_as(typed: Typed, guide: Guide) -> LandingPage:
    """The page as typed without its unfinished blocks."""
    pages = guide.pages(runtime().guides)
    blocks: list[Block] = []
    for part in typed.data["blocks"][:MOST_BLOCKS]:
        try:
            blocks += read({"blocks": [part]}, pages=pages, is_picture=bool).blocks
        except BadLanding:
            continue
    try:
        head = read(typed.data | {"blocks": []}, pages=pages, is_picture=bool)
    except BadLanding:
        head = LandingPage()
    return LandingPage(lead=head.lead, for_whom=head.for_whom, minutes=head.minutes, blocks=tuple(blocks))


@door.get("/guides/<row:id>/pages/<int:page>.png", endpoint="guide_page")
def thumb(id: int, page: int) -> Response:
    """Send a small picture of a PDF page, from which to choose samples."""
    with reading() as session:
        file = one_or_404(session, Guide, id).file(runtime().guides)
    try:
        drawn = picture(file, page, THUMB, runtime().pictures)
    except (IndexError, BadGuide):
        abort(404)
    return send_file(BytesIO(drawn), mimetype="image/png", max_age=86400)
