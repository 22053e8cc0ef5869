"""What comes back from mails: leaving, by button and by one click, and "this was not me"."""

from dataclasses import replace

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from newsletter import journey
from newsletter.events import By, Press
from newsletter.links import Purpose, path
from newsletter.subscribers import Status, Subscriber, Suppression, SuppressionReason, address_hashes
from newsletter.web import plain
from newsletter.web.cards import card, shown_guides
from newsletter.web.forms import ButtonForm
from newsletter.web.personal import ACTIONS, check_form, numbers, preferences_path
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("feedback", __name__)
ONE_CLICK = ("List-Unsubscribe", "One-Click")
ONE_PRESS = Press(By.ONE_CLICK, "List-Unsubscribe=One-Click", "/unsubscribe")
LEAVING = "Unsubscribe me: press the button, and we stop writing to this address at once."
NEVER = "Never write to me because of a form"


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
    subscriber_id, message_id = numbers(Purpose.UNSUBSCRIBE, token)
    by_machine = request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]
    with transaction() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        email = subscriber.email if subscriber else ""
        if subscriber is not None:
            press = ONE_PRESS if by_machine else Press(By.MAIL, LEAVING, "/unsubscribe")
            press = replace(press, message=message_id)
            journey.unsubscribe(session, subscriber, now(), goodbye=not by_machine, press=press)
    return plain.or_plain(lambda: _left(email), plain.left())


def _left(email: str) -> str:
    state().trigger.wake()
    return _done(email)


def _done(email: str) -> str:
    with reading() as session:
        cards = [card(guide) for guide in shown_guides(session)]
    return render_template("public/unsubscribed.html", email=email, cards=cards)


def _refusing(session: Session, token: str) -> tuple[int, str, Subscriber | None]:
    """Whose sign-up it was, the mailbox's keyed hash, and who is still there of them."""
    subscriber_id, *parts = numbers(Purpose.REFUSE, token)
    hashed = "".join(f"{part:016x}" for part in parts)
    found = session.get(Subscriber, subscriber_id)
    same = found is not None and hashed in address_hashes(runtime().secrets, found.address.mailbox)
    return subscriber_id, hashed, found if same else None


@door.get("/not-me/<token>")
def not_me(token: str) -> str:
    """A page with one button; opening it changes nothing."""
    with reading() as session:
        _, hashed, subscriber = _refusing(session, token)
        known = Suppression.hashed(session, hashed)
        if known is not None and known.reason is SuppressionReason.REFUSED:
            return _refused(subscriber)
        return render_template(
            "public/not_me.html", form=ButtonForm(), token=token, email=subscriber.email if subscriber else "",
            reads=subscriber is not None and subscriber.status is Status.CONFIRMED, label=NEVER,
            stays=subscriber is not None and subscriber.status is not Status.PENDING,
        )  # fmt: skip


@door.post("/not-me/<token>", endpoint="not_me_now")
@limiter.limit(ACTIONS)
def not_me_now(token: str) -> str:
    """Whoever reads this mailbox says that it was not them who signed up. Holds for ever."""
    check_form(ButtonForm())
    press = Press(By.MAIL, f"{NEVER}.", "/not-me")
    with transaction() as session:
        subscriber_id, hashed, _ = _refusing(session, token)
        journey.refuse(session, runtime(), subscriber_id, hashed, press, now())
        session.flush()
        return _refused(_refusing(session, token)[2])


def _refused(subscriber: Subscriber | None) -> str:
    reads = subscriber is not None and subscriber.status is Status.CONFIRMED
    choose = preferences_path(subscriber) if subscriber is not None and reads else ""
    return render_template("public/not_me_done.html", reads=reads, preferences_url=choose)
