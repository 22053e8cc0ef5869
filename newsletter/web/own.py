"""What only the reader of a mailbox may do: see all that is held of them, and have it deleted."""

from typing import Any

from flask import Blueprint, abort, jsonify, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import data_export, journey
from newsletter.journey import Proof
from newsletter.links import Purpose, still_good
from newsletter.subscribers import Subscriber
from newsletter.web.forms import ButtonForm
from newsletter.web.personal import ACTIONS, check_form, numbers, person_or_gone, preferences_path
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, transaction

door = Blueprint("own", __name__)


def _asked(session: Session, token: str) -> tuple[Proof, Subscriber]:
    """What the link is for, and whose it is."""
    what, subscriber_id, last_second = numbers(Purpose.OWN, token)
    still_good(last_second, now())
    if what not in set(Proof):
        abort(410, "This is a test mail: in a real one this link leads to the reader's own page.")
    return Proof(what), person_or_gone(session, subscriber_id)


@door.get("/own/<token>")
def show(token: str) -> str:
    """All that is held; or one button that deletes it."""
    with reading() as session:
        what, subscriber = _asked(session, token)
        if what is Proof.ERASE:
            return render_template("public/own_erase.html", form=ButtonForm(), email=subscriber.email)
        held = data_export.of(session, subscriber)
        return render_template(
            "public/own_data.html", held=held, email=subscriber.email, token=token,
            preferences_url=preferences_path(subscriber),
        )  # fmt: skip


@door.get("/own/<token>/data.json")
def data(token: str) -> Response:
    """The same as a file (UK GDPR Art. 20)."""
    with reading() as session:
        what, subscriber = _asked(session, token)
        if what is not Proof.DATA:
            abort(404)
        answer: Response = jsonify(data_export.of(session, subscriber))
    answer.headers["Content-Disposition"] = "attachment; filename=what-we-hold.json"
    return answer


@door.post("/own/<token>", endpoint="erase")
@limiter.limit(ACTIONS)
def erase(token: str) -> Any:
    """Delete everything (UK GDPR Art. 17); a keyed hash stays, against old lists."""
    check_form(ButtonForm())
    with transaction() as session:
        what, subscriber = _asked(session, token)
        if what is not Proof.ERASE:
            abort(405)
        address = subscriber.email
        journey.erase(session, runtime(), subscriber, now())
    runtime().forget_traces(address)
    return render_template("public/own_erased.html")
