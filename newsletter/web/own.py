"""Actions that need a link mailed to the reader: export or erase their data, and change their address."""

from typing import Any

from flask import Blueprint, abort, jsonify, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import data_export, journey
from newsletter.events import By, Press
from newsletter.journey import Proof
from newsletter.links import ExpiredLink, Purpose, still_good
from newsletter.subscribers import AddressChange, Status, Subscriber
from newsletter.web.forms import ButtonForm
from newsletter.web.language import lazy, speak
from newsletter.web.personal import ACTIONS, check_form, numbers, person_or_gone, preferences_path
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("own", __name__)
TEST = lazy("This is a test mail: in a real one this link leads to the reader's own page.")
MOVES = lazy("Yes, write to me here")
STAYS = lazy("It was not me: leave my address as it is")
GOES_BACK = lazy("It was not me: write to me here again")
RUN_OUT = lazy(
    "Links like this one work for a day, and only from the mailbox that they were sent to. Open your preferences, by "
    "the link at the foot of any of our mails, and press the button there once more."
)
CHANGE_OVER = lazy(
    "The change of address that this link was for is done, or over: it was stopped, another one was asked for, or "
    "somebody has left since. By this link nothing changes any more."
)


def _read(token: str) -> tuple[Proof, int]:
    """What the link is for, and the id of the subscriber or address change. Aborts with 410 if it is expired."""
    what, number, last_second = numbers(Purpose.OWN, token)
    try:
        still_good(last_second, now())
    except ExpiredLink:
        abort(410, RUN_OUT)
    if what in (Proof.DATA, Proof.ERASE):
        with reading() as session:
            if not journey.proves(person_or_gone(session, number), last_second):
                abort(410, RUN_OUT)
    return (Proof(what), number) if what in set(Proof) else abort(410, TEST)


@door.get("/own/<token>")
def show(token: str) -> str:
    """The reader's data, or the page with the button for the link's action."""
    what, number = _read(token)
    with reading() as session:
        if what is Proof.MOVE:
            return _ask_move(session, number)
        if what is Proof.STAY:
            change = _change(session, what, number)
            is_done = change is not None and change.can_be_taken_back(now())
            return render_template("public/own_stay.html", form=ButtonForm(), is_done=is_done,
                                   label=GOES_BACK if is_done else STAYS)  # fmt: skip
        subscriber = person_or_gone(session, number)
        if what is Proof.ERASE:
            return render_template("public/own_erase.html", form=ButtonForm(), email=subscriber.email)
        held = data_export.of(session, subscriber)
        return render_template(
            "public/own_data.html", held=held, email=subscriber.email, token=token,
            preferences_url=preferences_path(subscriber),
        )  # fmt: skip


def _change(session: Session, what: Proof, number: int) -> AddressChange | None:
    """The change a link is about; sets the page's language to that of the link's recipient."""
    change = session.get(AddressChange, number)
    reader = (change.to if what is Proof.MOVE else change.subscriber) if change is not None else None
    speak(reader.language if reader is not None else None)
    return change


def _ask_move(session: Session, number: int) -> str:
    try:
        change = journey.open_change(session, number, now())
    except journey.LinkOver:
        abort(410, CHANGE_OVER)
    _change(session, Proof.MOVE, number)
    return render_template(
        "public/own_move.html", form=ButtonForm(), label=MOVES, email=change.to.email if change.to else "",
        reads=change.to is not None and change.to.status is not Status.PENDING,
    )  # fmt: skip


@door.get("/own/<token>/data.json")
def data(token: str) -> Response:
    """The reader's data as a JSON file (UK GDPR Art. 20)."""
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
    """Perform the link's action."""
    what, number = _read(token)
    check_form(ButtonForm())
    if what is Proof.ERASE:
        return _erase(number)
    if what is Proof.MOVE:
        return _move(number)
    if what is not Proof.STAY:
        abort(405)
    with transaction() as session:
        _change(session, what, number)
        stayed = journey.stay(session, runtime(), number, now())
    return render_template("public/own_stayed.html", stayed=stayed)


def _erase(number: int) -> str:
    """Erase everything (UK GDPR Art. 17); a keyed hash stays, so that old lists cannot bring them back."""
    with transaction() as session:
        subscriber: Subscriber = person_or_gone(session, number)
        addresses = journey.erase(session, runtime(), subscriber, now())
    runtime().forget_traces(*addresses)
    return render_template("public/own_erased.html")


def _move(number: int) -> Any:
    with transaction() as session:
        _change(session, Proof.MOVE, number)
        press = Press(By.MAIL, f"{MOVES}.", request.path.rsplit("/", 1)[0])
        try:
            there = preferences_path(journey.move(session, runtime(), number, press, now()))
        except journey.LinkOver:
            abort(410, CHANGE_OVER)
    state().trigger.wake()
    return redirect(f"{there}?moved=1", 303)
