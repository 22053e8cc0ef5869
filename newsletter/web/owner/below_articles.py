"""Chooses the form below articles in the archive."""

from typing import Any

from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from newsletter import brand, forms
from newsletter.brand import Brand
from newsletter.languages import marked
from newsletter.web.language import _
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.form_fields import BelowForm
from newsletter.web.state import transaction

FITTING, NO_FORM = "", "none"
"""Choices other than a form's id."""


def chosen_below(house: Brand) -> dict[str, str]:
    """The present choice, as data for the form."""
    return {"below": str(house.article_form_id or FITTING) if house.has_article_forms else NO_FORM}


def below_form(session: Session, **kwargs: Any) -> BelowForm:
    """The form with all its choices."""
    form = BelowForm(**kwargs)
    open_ones = [SelectChoice(str(one.id), one.name) for one in forms.every(session) if one.is_open]
    form.below.choices = [SelectChoice(FITTING, _("What fits: the guide on its topic, else the newsletter")),
                          *open_ones, SelectChoice(NO_FORM, _("None"))]  # fmt: skip
    return form


@door.post("/forms/below-articles", endpoint="form_below")
def save_below() -> Response:
    """Save the form to show below articles in the archive."""
    with transaction() as session:
        typed, house = below_form(session), brand.current(session)
        if not typed.validate():
            return back(
                "forms", _("Nothing was changed: that form is not there, or takes no sign-ups any more."), "danger"
            )
        chosen = typed.below.data
        house.has_article_forms = chosen != NO_FORM
        house.article_form_id = int(chosen) if chosen not in (FITTING, NO_FORM) else None
        note(session, marked("form below articles saved"), chosen or "fitting")
    return back("forms", _("Saved. It stands there from now on."))
