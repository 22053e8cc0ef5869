"""What comes back from mails: leaving, by button and by one click."""

from flask import Blueprint, render_template, request

from newsletter import journey
from newsletter.links import Purpose, path
from newsletter.subscribers import Status, Subscriber
from newsletter.web import plain
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
        gone = subscriber is None or subscriber.status is Status.UNSUBSCRIBED
        email = subscriber.email if subscriber else ""
    if gone:
        return plain.or_plain(lambda: _done(email), plain.left())
    return plain.or_plain(lambda: _ask(subscriber_id, email), plain.leave(request.script_root + request.path))


def _ask(subscriber_id: int, email: str) -> str:
    choose = path(runtime().renderer.urls.preferences(subscriber_id))
    return render_template("public/unsubscribe.html", form=ButtonForm(), email=email, preferences_url=choose)


@door.post("/unsubscribe/<token>", endpoint="unsubscribe_now")
def unsubscribe_now(token: str) -> str:
    """Leave. Needs nothing but the signed link, answers 200, and may be repeated (RFC 8058 §3.2).

    It is committed before anything else is tried: no page, mail or queue can take it back.
    """
    subscriber_id, _ = numbers(Purpose.UNSUBSCRIBE, token)
    by_machine = request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]
    with transaction() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        email = subscriber.email if subscriber else ""
        if subscriber is not None:
            journey.unsubscribe(session, subscriber, now(), goodbye=not by_machine)
    return plain.or_plain(lambda: _left(email), plain.left())


def _left(email: str) -> str:
    state().crank.turn()
    return _done(email)


def _done(email: str) -> str:
    with reading() as session:
        cards = [card(guide) for guide in all_guides(session)]
    return render_template("public/unsubscribed.html", email=email, cards=cards)
