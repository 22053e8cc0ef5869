"""The page after a sign-up: where we wrote to, and how to have it sent again.

The address is in neither a cookie nor a URL: our script keeps what was typed in the tab's storage, and without a script
the page carries it in its form.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from newsletter import brand, forms
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.subscribers import read_address
from newsletter.web import robots
from newsletter.web.cards import card
from newsletter.web.forms import SubscribeForm
from newsletter.web.language import speak
from newsletter.web.sign_up import box, guide_boxes, guide_of, leads_to, takes_sign_ups
from newsletter.web.state import reading, runtime

door = Blueprint("inbox", __name__)


@door.get("/check-your-inbox")
def show() -> str:
    """What happens next; or the link to the form's own target page."""
    with reading() as session:
        form, guide = forms.named(session, request.args.get("form", "")), request.args.get("guide", "")
        speak(form.language if form else None)
        slug = (form.guide_slug or "") if form else guide
        found = session.scalar(select(Guide).where(Guide.slug == slug))
        onward = leads_to(session, form) if form else ""
        typed = None if onward else typed_into(session, form, found, formdata=None)
        return _page(found, typed, onward=onward)


def typed_into(session: Session, form: Form | None, guide: Guide | None, **kwargs: Any) -> SubscribeForm | None:
    """The form somebody sent, else the one on this guide's page, with the request's values; None if it is closed."""
    if form is not None:
        return box(session, form, brand.current(session), **kwargs) if takes_sign_ups(session, form) else None
    if guide is None or guide.hidden:
        return None
    return guide_boxes(session, [guide], brand.current(session), **kwargs)[guide.slug]


def after(session: Session, typed: SubscribeForm, page: str, asked: dict[str, str]) -> str | AnyResponse:
    """The response to an accepted sign-up: a redirect to the page or, for clients without a script to keep what was
    typed, the page itself. `page`: where the form is. `asked`: the query of the page's URL."""
    if typed.proof.data or not typed.press.data or typed.row.after_url:
        return redirect(f"{url_for('inbox.show')}?{urlencode(asked)}", 303)
    return told(session, typed, page)


def told(session: Session, typed: SubscribeForm, page: str, *, is_again: bool = False,
         too_soon: str | None = None) -> str:  # fmt: skip
    """The page as a direct response to a valid form. `is_again`: the mail was requested again and sent. `too_soon`:
    the token of the page it came from, if it was requested too soon."""
    press = robots.press_token(typed.row.slug, read_address(typed.email.data or ""), typed.press.data or "")
    sent = typed.sent_on | {"page": page, "press": press, "proof": ""}
    return _page(guide_of(session, typed.row), typed, sent=sent, is_again=is_again, too_soon=too_soon)


def _page(guide: Guide | None, typed: SubscribeForm | None, *, onward: str = "", sent: dict[str, Any] | None = None,
          is_again: bool = False, too_soon: str | None = None) -> str:  # fmt: skip
    settings = runtime().settings
    local = f"http://127.0.0.1:{settings.mailbox_port}/" if settings.is_local and settings.runs_mailbox else None
    since = robots.asked_token(too_soon or "")
    named = {"since": since} | ({"form": typed.row.slug} if typed and typed.row.id else {})
    return render_template(
        "public/inbox.html", card=card(guide) if guide else None, local_mailbox=local, onward=onward, form=typed,
        named=named, sent=sent, wrong=named | (sent or {}) | {"correct": "y"}, is_again=is_again,
        is_too_soon=too_soon is not None, left=robots.seconds_left(since),
    )  # fmt: skip
