"""“Send it again”: repeats a sign-up after at least a minute, within the limits of all forms."""

from typing import Any

from flask import Blueprint, abort, request, url_for
from sqlalchemy import select

from newsletter import forms
from newsletter.guides import Guide
from newsletter.web import robots
from newsletter.web.address import ask_ahead
from newsletter.web.cards import card
from newsletter.web.form_page import form_page, press_page
from newsletter.web.forms import SubscribeForm
from newsletter.web.inbox import told, typed_into
from newsletter.web.language import _, speak
from newsletter.web.sign_up import guide_of, per_client, sign_up, told_page
from newsletter.web.state import state, transaction

door = Blueprint("again", __name__)


@door.post("/check-your-inbox")
@per_client
def send() -> Any:
    """Resend, or (with `correct`) go back to the form. The response is the same for everybody."""
    ask_ahead(request.form.get("email", ""))
    with transaction() as session:
        form = forms.named(session, request.form.get("form", ""))
        speak(form.language if form else None)
        guide = session.scalar(select(Guide).where(Guide.slug == (request.form.get("guide") or "")))
        typed = typed_into(session, form, guide)
        if typed is None:
            abort(400, _("Please choose one of the guides and send the form again."))
        typed.validate()
        page = told_page(session)
        if "correct" in request.form or not typed.is_right:
            return form_page(session, typed, page), 200 if typed.is_right else 422
        if robots.seconds_left(since := request.form.get("since", "")):
            return told(session, typed, page, too_soon=since)
        if not sign_up(session, typed, page):
            own = guide_of(session, typed.row)
            return press_page(typed, page, card(own) if own else None, _usual(typed))
        answer = told(session, typed, page, is_again=True)
    state().trigger.wake()
    return answer


def _usual(typed: SubscribeForm) -> str:
    """The URL the form was first sent to, so that confirming there does not impose the wait again."""
    return url_for("forms.send", slug=typed.row.slug) if typed.row.id else url_for("public.subscribe")
