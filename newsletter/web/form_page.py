"""A form's own page, `/f/<form>`, to which plain HTML forms on other sites post.

Such a form has no script, so its POST alone proves nothing and mails nobody: our page asks for one more press.
"""

from typing import Any

from flask import Blueprint, abort, render_template, request
from sqlalchemy.orm import Session

from newsletter import brand, forms
from newsletter.forms import Form
from newsletter.web.address import ask_ahead
from newsletter.web.cards import Card, card
from newsletter.web.forms import SubscribeForm
from newsletter.web.inbox import after
from newsletter.web.language import _, lazy, speak
from newsletter.web.sign_up import box, guide_of, per_client, sign_up, takes_sign_ups, told_page, way_back
from newsletter.web.slip import Slip, slip_in
from newsletter.web.state import reading, state, transaction

door = Blueprint("forms", __name__)
CLOSED = lazy("This form takes no sign-ups any more. On our home page you find what there is now.")


@door.get("/f/<slug>")
def show(slug: str) -> str:
    """Show the form."""
    with reading() as session:
        form = open_or_gone(session, slug)
        return form_page(session, box(session, form, brand.current(session), formdata=None))


@door.post("/f/<slug>")
@per_client
def send(slug: str) -> Any:
    """Handle a sign-up, from here or another site."""
    ask_ahead(request.form.get("email", ""))
    with transaction() as session:
        form = open_or_gone(session, slug)
        typed = box(session, form, brand.current(session))
        typed.validate()
        page, guide = told_page(session), guide_of(session, form)
        if "correct" not in request.form and (slip := slip_in(typed)):
            return slip_page(typed, page, slip)
        if not typed.is_right:
            return form_page(session, typed, page), 422
        if "correct" in request.form:
            return form_page(session, typed, page)
        if not sign_up(session, typed, page):
            return press_page(typed, page, card(guide) if guide else None)
        answer = after(session, typed, page, {"form": form.slug})
    state().trigger.wake()
    return answer


def open_or_gone(session: Session, slug: str) -> Form:
    """The form of this name, whose language becomes the page's. Aborts: 404 if there is none, 410 if it is closed."""
    form = forms.named(session, slug) or abort(404, _("There is no form here. It may have been deleted by its owner."))
    speak(form.language)
    if not takes_sign_ups(session, form):
        abort(410, CLOSED)
    return form


def press_page(typed: SubscribeForm, page: str, card: Card | None, action: str = "") -> str:
    """A page that asks for one more press, as a robot may have sent the form.

    Its button posts everything typed to the same address again, or to `action`.
    """
    carried = _carried(typed, page) | ({"action": action} if action else {})
    return render_template("public/form_press.html", form=typed, card=card, **carried)


def slip_page(typed: SubscribeForm, page: str, slip: Slip) -> tuple[str, int]:
    """(page, status): asks which address is right, with a button for the one probably meant and one for the one typed.

    Either posts everything else again, to the same place. If the typed address is faulty, it has no button and the
    status is 422, else 200.
    """
    shown = render_template("public/form_slip.html", form=typed, slip=slip, **_carried(typed, page))
    return shown, 422 if slip.fault else 200


def _carried(typed: SubscribeForm, page: str) -> dict[str, Any]:
    return {"action": request.script_root + request.path, "typed": typed.sent_on | {"page": page}}


def form_page(session: Session, typed: SubscribeForm, page: str = "") -> str:
    """The form with everything typed. `page`: where it was first shown."""
    typed.stood_on, guide = page, guide_of(session, typed.row)
    return render_template("public/form.html", form=typed, card=card(guide) if guide else None, back=way_back(page))
