"""Unsubscribing, by button and by one click, and "this was not me"."""

from dataclasses import replace

from flask import Blueprint, abort, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from newsletter import journey
from newsletter.events import By, Press, WhyLeft
from newsletter.links import Purpose, path
from newsletter.subscribers import Status, Subscriber, Suppression, SuppressionReason, address_hashes
from newsletter.web import plain
from newsletter.web.cards import card, shown_guides
from newsletter.web.forms import ButtonForm
from newsletter.web.language import _, lazy, speak
from newsletter.web.personal import ACTIONS, check_form, numbers, person_or_gone, preferences_path
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, state, transaction
from newsletter.web.wording import agreed

door = Blueprint("feedback", __name__)
ONE_CLICK = ("List-Unsubscribe", "One-Click")
ONE_PRESS = Press(By.ONE_CLICK, "List-Unsubscribe=One-Click", "/unsubscribe")
UNDO = lazy("It was a slip: undo")
UNDOES = lazy("What you got comes again, and series go on where you were.")
WHY = {
    WhyLeft.TOO_MANY: lazy("Too many e-mails"), WhyLeft.NOT_EXPECTED: lazy("Not what I expected"),
    WhyLeft.NO_LONGER: lazy("Not for me any more"), WhyLeft.NEVER_ASKED: lazy("I never asked for them"),
    WhyLeft.OTHER: lazy("Something else"),
}  # fmt: skip
LEAVING = lazy("Unsubscribe me: press the button, and we stop writing to this address at once.")
NEVER = lazy("Never write to me because of a form")


@door.get("/unsubscribe/<token>")
def unsubscribe(token: str) -> str:
    """The page with the unsubscribe button; GET changes nothing."""
    subscriber_id = numbers(Purpose.UNSUBSCRIBE, token)[0]
    with reading() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        gone = subscriber is None or subscriber.status is Status.UNSUBSCRIBED
        email = subscriber.email if subscriber else ""
        speak(subscriber.language if subscriber else None)
    if gone:
        return plain.or_plain(lambda: _done(email, token), plain.left())
    return plain.or_plain(lambda: _ask(subscriber_id, email), plain.leave(request.script_root + request.path))


def _ask(subscriber_id: int, email: str) -> str:
    choose = path(runtime().renderer.urls.preferences(subscriber_id))
    return render_template("public/unsubscribe.html", form=ButtonForm(), email=email, preferences_url=choose)


@door.post("/unsubscribe/<token>", endpoint="unsubscribe_now")
def unsubscribe_now(token: str) -> str:
    """Unsubscribe. Needs only the signed link, answers 200, and is idempotent (RFC 8058 §3.2).

    Commits before anything else, so that no failing page, mail or queue can undo it.
    """
    subscriber_id, message_id = numbers(Purpose.UNSUBSCRIBE, token)
    by_machine = request.form.get(ONE_CLICK[0]) == ONE_CLICK[1]
    with transaction() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        email = subscriber.email if subscriber else ""
        if subscriber is not None:
            speak(subscriber.language)
            press = ONE_PRESS if by_machine else Press(By.MAIL, str(LEAVING), "/unsubscribe")
            press = replace(press, message=message_id)
            journey.unsubscribe(session, subscriber, now(), goodbye=not by_machine, press=press)
    return plain.or_plain(lambda: _left(email, token), plain.left())


def _left(email: str, token: str) -> str:
    state().trigger.wake()
    return _done(email, token)


def _done(email: str, token: str, told: bool = False) -> str:
    """The page after unsubscribing, with an undo for a day and optional reasons. `told`: they just gave one."""
    subscriber_id = numbers(Purpose.UNSUBSCRIBE, token)[0]
    with reading() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        slip = journey.slip(session, runtime(), subscriber, now()) if subscriber else None
        cards = [card(guide) for guide in shown_guides(session)]
        return render_template(
            "public/unsubscribed.html", email=email, cards=cards, form=ButtonForm(formdata=None), token=token,
            slip=slip.id if slip else None, undo=UNDO, undoes=UNDOES, told=told,
            why=WHY if subscriber is not None and subscriber.status is Status.UNSUBSCRIBED else {},
        )  # fmt: skip


@door.post("/unsubscribe/<token>/undo", endpoint="undo")
@limiter.limit(ACTIONS)
def undo(token: str) -> AnyResponse:
    """Undo unsubscribing within a day: the reader receives what they did before."""
    subscriber_id = numbers(Purpose.UNSUBSCRIBE, token)[0]
    check_form(ButtonForm())
    left = request.form.get("left", "")
    with transaction() as session:
        subscriber = person_or_gone(session, subscriber_id)
        press = Press(By.MAIL, agreed(UNDO, [UNDOES.rstrip(".")]), "/unsubscribe/undo")
        event = int(left) if left.isdecimal() and len(left) < 19 else 0
        undone = journey.undo_leaving(session, runtime(), subscriber, event, press, now())
        if not undone and subscriber.status is not Status.CONFIRMED:  # a second press is no error
            abort(410, _("This cannot be taken back any more. To come back, please sign up again."))
        there = preferences_path(subscriber)
    return redirect(f"{there}?back=1", 303)


@door.post("/unsubscribe/<token>/why", endpoint="why")
@limiter.limit(ACTIONS)
def why(token: str) -> str | AnyResponse:
    """Record why they left, which is optional; somebody who has resubscribed goes to their preferences."""
    subscriber_id = numbers(Purpose.UNSUBSCRIBE, token)[0]
    check_form(ButtonForm())
    chosen = request.form.get("why", "")
    with transaction() as session:
        subscriber = person_or_gone(session, subscriber_id)
        said = WhyLeft(chosen) if chosen in {one.value for one in WhyLeft} else abort(400, _("Please choose a reason."))
        told = journey.say_why(session, subscriber, said, Press(By.MAIL, str(WHY[said]), "/unsubscribe/why"), now())
        email, there = subscriber.email, preferences_path(subscriber)
    return _done(email, token, told) if told else redirect(there, 303)


def _refusing(session: Session, token: str) -> tuple[int, str, Subscriber | None]:
    """The subscriber id, the mailbox's keyed hash, and the subscriber if they still have that mailbox."""
    subscriber_id, *parts = numbers(Purpose.REFUSE, token)
    hashed = "".join(f"{part:016x}" for part in parts)
    found = session.get(Subscriber, subscriber_id)
    same = found is not None and hashed in address_hashes(runtime().secrets, found.address.mailbox)
    if found is not None and same:
        speak(found.language)
    return subscriber_id, hashed, found if same else None


@door.get("/not-me/<token>")
def not_me(token: str) -> str:
    """The page with the "not me" button; GET changes nothing."""
    with reading() as session:
        hashed, subscriber = _refusing(session, token)[1:]
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
    """Record that the mailbox's reader did not sign up and wants no mail from forms, for ever."""
    check_form(ButtonForm())
    with transaction() as session:
        subscriber_id, hashed, _ = _refusing(session, token)
        press = Press(By.MAIL, f"{NEVER}.", "/not-me")
        journey.refuse(session, runtime(), subscriber_id, hashed, press, now())
        session.flush()
        return _refused(_refusing(session, token)[2])


def _refused(subscriber: Subscriber | None) -> str:
    reads = subscriber is not None and subscriber.status is Status.CONFIRMED
    choose = preferences_path(subscriber) if subscriber is not None and reads else ""
    return render_template("public/not_me_done.html", reads=reads, preferences_url=choose)
