"""The owner's additions to the public privacy page, below the product's own text."""

from typing import Any

from flask import render_template
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import HiddenField, TextAreaField

from newsletter import brand, characters, privacy
from newsletter.accounts import differing
from newsletter.brand import Brand
from newsletter.privacy import BadPrivacyText
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, note
from newsletter.web.state import reading, transaction
from newsletter.web.typed_form import TypedForm

MEANWHILE = lazy(
    "Somebody has saved another text since you opened this page. Theirs stands below; yours is in the field and not "
    "saved: press Save once more to replace theirs."
)


class PrivacyForm(TypedForm):
    """The text. Its field has the name of an article's, so that nothing is lost when a session ends."""

    body = TextAreaField(lazy("What you add"), filters=[characters.text])
    base = HiddenField()
    """Number of saves when the page was opened."""


@door.get("/privacy", endpoint="privacy")
def show() -> Any:
    """Show the form with the present text."""
    with reading() as session:
        house = brand.current(session)
        return _page(house, PrivacyForm(formdata=None, data={"body": house.privacy_text, "base": str(_saves(house))}))


def _saves(house: Brand) -> int:
    return house.privacy.saves if house.privacy else 0


def _page(house: Brand, form: PrivacyForm, status: int = 200, told: str = "") -> Any:
    page = render_template(
        "owner/privacy.html", form=form, theirs=house.privacy_text, told=told, longest=privacy.LONGEST
    )
    return page, status


@door.post("/privacy", endpoint="privacy_save")
def save() -> Any:
    """Publish the text."""
    with transaction() as session:
        session.scalar(select(Brand.id).with_for_update())  # handles two tabs one after the other
        house, form = brand.current(session), PrivacyForm()
        try:
            typed = privacy.read(form.body.data)
        except BadPrivacyText as error:
            form.body.errors = [in_words(error)]
            return _page(house, form, 422)
        if form.base.data != str(_saves(house)):
            form.base.data = str(_saves(house))
            return _page(house, form, 409, str(MEANWHILE))
        told = _take(session, house, typed)
    return back("privacy", told)


def _take(session: Session, house: Brand, typed: str) -> str:
    before = house.privacy_text
    if typed == before:
        return _("Nothing was different.")
    house.add_to_privacy(typed)
    note(session, privacy.SAVED, f"{_short(before)} → {_short(typed)}", differing({"text": before}, {"text": typed}))
    return _("Saved. The privacy page says it now.") if typed else _("The privacy page says our words alone again.")


def _short(text: str) -> str:
    """The beginning of a text, for an audit entry."""
    line = " ".join(text.split())
    return f"“{line[:200]}…”" if len(line) > 200 else f"“{line}”" if line else "–"
