"""Pictures: uploaded once, described, and inserted into texts by their code."""

from typing import Any

from flask import jsonify, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import drafts, forms, guides, media
from newsletter.languages import marked
from newsletter.media import BadPicture, Picture
from newsletter.web.bodies import largest
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.display import size
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404
from newsletter.web.owner.forms import PictureForm
from newsletter.web.state import now, reading, runtime, transaction

FULL = lazy("The picture could not be stored: the disk may be full. Nothing was changed.")


@door.get("/pictures", endpoint="pictures")
def index() -> Any:
    """List all pictures, newest first, and where they are used."""
    return _page(PictureForm(formdata=None))


def _page(form: PictureForm) -> str:
    look = select(Picture).order_by(Picture.id.desc()).limit(PAGE + 1)
    if before := asked_id("before"):
        look = look.where(Picture.id < before)
    with reading() as session:
        rows = list(session.scalars(look))
        more = rows[PAGE - 1].id if len(rows) > PAGE else None
        return render_template(
            "owner/pictures.html", pictures=rows[:PAGE], uses=media.uses(session, rows[:PAGE]), form=form, more=more,
            largest=largest("owner.picture_add"),
        )  # fmt: skip


@door.post("/pictures", endpoint="picture_add")
def add() -> Any:
    """Add a picture. The editor's script requests JSON, and gets the code to insert."""
    form = PictureForm()
    if not form.validate():
        return _refused(form, 422)
    try:
        prepared = media.prepare(form.file.data.stream)
        with transaction() as session:
            made = media.add(session, runtime().media, prepared, form.words.data or "", now())
            note(session, marked("picture added"), made.name)
            code = made.code
    except (BadPicture, OSError) as error:
        form.file.errors = [in_words(error) if isinstance(error, BadPicture) else FULL]
        return _refused(form, 422)
    if _wants_json():
        return jsonify(code=code)
    return back("pictures", _("The picture is here. Its code shows it in a text."))


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _refused(form: PictureForm, status: int) -> Any:
    if _wants_json():
        return jsonify(error=" ".join(text for texts in form.errors.values() for text in texts)), status
    return _page(form), status


@door.post("/pictures/<row:id>/words", endpoint="picture_words")
def words(id: int) -> Any:
    """Change the description, for future uses."""
    with transaction() as session:
        picture = one_or_404(session, Picture, id, lock=True)
        picture.words = (request.form.get("words") or "")[:300]
    return back("pictures", _("Saved. Texts that show it already keep the words in their square brackets."))


@door.post("/pictures/<row:id>/delete", endpoint="picture_delete")
def delete(id: int) -> Any:
    """Delete an unused picture."""
    with transaction() as session:
        picture = one_or_404(session, Picture, id, lock=True)
        name = picture.name
        if told := _why_not(session, picture):
            return back("pictures", told, "danger")
        if not media.remove(session, runtime().media, picture):
            return back("pictures", _("It stands in an article, or did when that was sent: it stays."), "danger")
        note(session, marked("picture deleted"), name)
    return back("pictures", _("Deleted."))


def _why_not(session: Session, picture: Picture) -> str:
    """Why it may not be deleted; "" if no page, draft or mail shows it."""
    if titles := guides.showing(session, picture.name):
        return _("It stands on the page of “%(title)s”: take it out there first.", title=titles[0])
    if names := forms.showing(session, picture.name):
        return _("It stands in the form “%(name)s”: choose another one there first.", name=names[0])
    if titles := drafts.showing(session, picture.name):
        return _("It stands in the draft “%(title)s”: save or throw that away first.", title=in_words(titles[0]))
    if picture.was_in_mails:
        return _("Mails show it as their logo or in your words, or did when they were sent: it stays.")
    return ""


def too_large() -> Any:
    """The answer to a file too large to be read."""
    form = PictureForm(formdata=None)
    form.file.errors = [
        _("This file is larger than %(size)s. Make it smaller first.", size=size(largest("owner.picture_add")))
    ]
    return _refused(form, 413)


def newest(session: Session) -> list[Picture]:
    """The newest few, for the editor's buttons."""
    return list(session.scalars(select(Picture).order_by(Picture.id.desc()).limit(6)))
