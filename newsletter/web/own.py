"""What only a mailbox's reader may do, by a link sent there: see what is held, delete it, be written to elsewhere."""

from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import data_export, journey
from newsletter.events import By, Press
from newsletter.journey import Proof
from newsletter.links import Purpose, still_good
from newsletter.subscribers import Status, Subscriber
from newsletter.web.forms import ButtonForm
from newsletter.web.personal import ACTIONS, check_form, numbers, person_or_gone, preferences_path
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("own", __name__)
TEST = "This is a test mail: in a real one this link leads to the reader's own page."
MOVES = "Yes, write to me here"
STAYS = "It was not me: leave my address as it is"


def _read(token: str) -> tuple[Proof, int]:
    """What the link is for, and the number of whose, or of which, it is."""
    what, number, last_second = numbers(Purpose.OWN, token)
    still_good(last_second, now())
    return (Proof(what), number) if what in set(Proof) else abort(410, TEST)


@door.get("/own/<token>")
def show(token: str) -> str:
    """All that is held; or one button."""
    what, number = _read(token)
    with reading() as session:
        if what is Proof.MOVE:
            return _ask_move(session, number)
        if what is Proof.STAY:
            return render_template("public/own_stay.html", form=ButtonForm(), label=STAYS)
        subscriber = person_or_gone(session, number)
        if what is Proof.ERASE:
            return render_template("public/own_erase.html", form=ButtonForm(), email=subscriber.email)
        held = data_export.of(session, subscriber)
        return render_template(
            "public/own_data.html", held=held, email=subscriber.email, token=token,
            preferences_url=preferences_path(subscriber),
        )  # fmt: skip


def _ask_move(session: Session, number: int) -> str:
    change = journey.open_change(session, number, now())
    return render_template(
        "public/own_move.html", form=ButtonForm(), label=MOVES, email=change.to.email if change.to else "",
        reads=change.to is not None and change.to.status is not Status.PENDING,
    )  # fmt: skip


@door.get("/own/<token>/data.json")
def data(token: str) -> Response:
    """All that is held as a file (UK GDPR Art. 20)."""
    what, number = _read(token)
    if what is not Proof.DATA:
        abort(404)
    with reading() as session:
        answer: Response = jsonify(data_export.of(session, person_or_gone(session, number)))
    answer.headers["Content-Disposition"] = "attachment; filename=what-we-hold.json"
    return answer


@door.post("/own/<token>", endpoint="act")
@limiter.limit(ACTIONS)
def act(token: str) -> Any:
    """The button was pressed."""
    what, number = _read(token)
    check_form(ButtonForm())
    if what is Proof.ERASE:
        return _erase(number)
    if what is Proof.MOVE:
        return _move(number)
    if what is not Proof.STAY:
        abort(405)
    with transaction() as session:
        stopped = journey.stay(session, number, now())
    return render_template("public/own_stayed.html", stopped=stopped)


def _erase(number: int) -> str:
    """Delete everything (UK GDPR Art. 17); a keyed hash stays, against old lists."""
    with transaction() as session:
        subscriber: Subscriber = person_or_gone(session, number)
        address = subscriber.email
        journey.erase(session, runtime(), subscriber, now())
    runtime().forget_traces(address)
    return render_template("public/own_erased.html")


def _move(number: int) -> Any:
    press = Press(By.MAIL, f"{MOVES}.", request.path.rsplit("/", 1)[0])
    with transaction() as session:
        there = preferences_path(journey.move(session, runtime(), number, press, now()))
    state().trigger.wake()
    return redirect(f"{there}?moved=1", 303)
