"""What comes back from mails: leaving, by button and by one click."""

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from newsletter import journey
from newsletter.links import Purpose
from newsletter.subscribers import Status, Subscriber
from newsletter.web.cards import all_guides, card
from newsletter.web.forms import ButtonForm
from newsletter.web.personal import numbers
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("feedback", __name__)
ONE_CLICK = ("List-Unsubscribe", "One-Click")


@door.get("/unsubscribe/<token>")
def unsubscribe(token: str) -> str:
    """A page with one clear button; opening it changes nothing."""
    subscriber_id, _ = numbers(Purpose.UNSUBSCRIBE, token)
    with reading() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        if subscriber is None or subscriber.status is Status.UNSUBSCRIBED:
            return _done(session, subscriber)
        return render_template(
            "public/unsubscribe.html", form=ButtonForm(), email=subscriber.email,
            preferences_url=runtime().renderer.urls.preferences(subscriber.id).removeprefix(runtime().settings.site),
        )  # fmt: skip


@door.post("/unsubscribe/<token>", endpoint="unsubscribe_now")
def unsubscribe_now(token: str) -> str:
    """Leave. Needs nothing but the signed link, answers 200, and may be repeated (RFC 8058 §3.2)."""
    subscriber_id, _ = numbers(Purpose.UNSUBSCRIBE, token)
    by_machine = request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]
    with transaction() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        if subscriber is not None:
            journey.unsubscribe(session, subscriber, now(), goodbye=not by_machine)
            session.flush()
        page = _done(session, subscriber)
    state().crank.turn()
    return page


def _done(session: Session, subscriber: Subscriber | None) -> str:
    cards = [card(guide) for guide in all_guides(session)]
    return render_template("public/unsubscribed.html", email=subscriber.email if subscriber else "", cards=cards)
