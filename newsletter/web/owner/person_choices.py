"""Changes an owner may make to what a person receives, at their request: less, later or elsewhere, but never more."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import StringField, ValidationError
from wtforms.validators import DataRequired

from newsletter import brand, characters, journey, topics
from newsletter.brand import Brand
from newsletter.events import By, Press
from newsletter.journey import NoMove
from newsletter.languages import marked
from newsletter.subscribers import BadAddress, Subscriber, TopicChoice, read_address, topic_choice
from newsletter.topics import Topic
from newsletter.web.address import ask_ahead, typed_address
from newsletter.web.language import _, lazy, spoken
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.state import now, reading, runtime, state, transaction
from newsletter.web.typed_form import TypedForm

MOVED = marked("Asked for by the owner, at the person's word.")
NARROWED = marked("Taken away by the owner, at the person's request.")
GOES_ON = Press(By.OWNER, marked("The owner took their pause of this person back."), journey.FOR_THEM.page)
NO_MOVE: Mapping[NoMove, Any] = {
    NoMove.NO_READER: lazy("Nobody was asked: only a confirmed reader can move to another address."),
    NoMove.SAME: lazy("Nobody was asked: this is their address already."),
    NoMove.TAKEN: lazy(
        "Nobody was asked: somebody signed up with this address, or left by it, so it has a page of its own here. Its "
        "reader can sign up anew; or this person moves there by their own press, on the page of their choices."
    ),
    NoMove.KEPT: lazy(
        "Nobody was asked: nothing may be sent to this address. It bounced, or its reader told us never to write there."
    ),
    NoMove.OFTEN: lazy(
        "Nobody was asked: this address, or this person, was written to often enough for now. Try tomorrow."
    ),
}
"""Messages shown beside the typed address."""
WIDENS = lazy(
    "Nothing was changed: a topic is added by the reader’s own press alone, because it is they who agree to it. Send "
    "them the link to the page of their choices, below."
)


class MoveForm(TypedForm):
    """The new address that a person has given an owner."""

    address = StringField(
        lazy("Their new address"), [DataRequired(lazy("Type the new address."))], filters=[characters.line]
    )
    house: Brand

    def validate_address(self, field: StringField) -> None:
        """Check syntax and domain, as at sign-up."""
        try:
            typed_address(field.data or "", self.house)
        except BadAddress as error:
            raise ValidationError(error.told(spoken())) from None


def shown(session: Session, person: Subscriber) -> dict[str, Any]:
    """The template's variables for a person's page: topics they take, topics they do not, and whose pause it is."""
    choice = topic_choice(session, person)
    every = [one for one in topics.every(session) if one.is_open or one.id in choice.ids]
    return {
        "taken": [one for one in every if choice.takes(one.id)],
        "left": [one for one in every if not choice.takes(one.id)],
        "every": choice.every, "days": journey.PAUSE.days, "ours": journey.was_paused_for_them(session, person),
        "page": runtime().renderer.urls.preferences(person.id),
    }  # fmt: skip


@door.get("/subscribers/<row:id>/address", endpoint="subscriber_move_ask")
def ask_move(id: int) -> str:
    """Show the form for a new address."""
    with reading() as session:
        return _page(one_or_404(session, Subscriber, id), MoveForm(formdata=None))


def _page(person: Subscriber, form: MoveForm) -> str:
    return render_template("owner/subscriber_move.html", person=person, form=form)


@door.post("/subscribers/<row:id>/address", endpoint="subscriber_move")
def move(id: int) -> Any:
    """Ask the new address, and notify the present one. Nothing changes before a press in the mail to the new one."""
    ask_ahead(request.form.get("address", ""))
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        form = MoveForm()
        form.house = brand.current(session)
        if form.validate():
            to = read_address(form.address.data or "")
            if why := journey.why_not(session, runtime(), person, to, now()):
                form.address.errors = [NO_MOVE[why]]
        if form.errors:
            return _page(person, form), 422
        journey.ask_move(session, runtime(), person, to, Press(By.OWNER, MOVED, "/owner"), now())
        note(session, marked("change of address asked for"), str(id))
    state().trigger.wake()
    told = _("A mail to %(address)s asks whether to write there, and the present address is told. Nothing changes "
             "before its button is pressed.", address=to.email)  # fmt: skip
    return back("subscriber", told, id=id)


@door.post("/subscribers/<row:id>/<any(pause, 'go-on'):verb>", endpoint="subscriber_pause")
def pause(id: int, verb: str) -> Response:
    """Pause all bulk mail at their request, or undo a pause that an owner made."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        if verb == "pause":
            done = journey.pause(session, person, journey.FOR_THEM, now())
            told = _("Paused: for %(days)s days nothing comes to them by itself.", days=journey.PAUSE.days)
            refused = _("Nothing was changed: they have paused already, or get nothing.")
        else:
            done = journey.end_pause_for_them(session, person, GOES_ON, now())
            told = _("What they had goes on.")
            refused = _("Nothing was changed: they paused it themselves, so only they end it; or it is over.")
        if done:
            note(session, marked("subscriber paused") if verb == "pause" else marked("pause taken back"), str(id))
    return back("subscriber", told if done else refused, "success" if done else "info", id=id)


@door.post("/subscribers/<row:id>/topics", endpoint="subscriber_topics")
def narrow(id: int) -> Response:
    """Remove the unticked topics. Refuses a tick at a topic that they do not take."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        before, ticked = topic_choice(session, person), _ticked()
        if any(not before.takes(one) for one in ticked):
            return back("subscriber", WIDENS, "danger", id=id)
        most = _left_of(topics.every(session), ticked)
        done = journey.narrow_topics(session, person, most, Press(By.OWNER, NARROWED, "/owner"), now())
        if done:
            note(session, marked("topics taken away"), str(id))
    told = _("Saved: no campaign about what was unticked goes to them any more.") if done else _("Nothing was changed.")
    return back("subscriber", told, "success" if done else "info", id=id)


def _ticked() -> set[int]:
    return {int(one) for one in request.form.getlist("topics") if one.isascii() and one.isdecimal() and len(one) < 19}


def _left_of(every: Sequence[Topic], ticked: set[int]) -> TopicChoice:
    """The topics left to them; every topic if none of those shown was unticked."""
    seen = {one.id for one in every if str(one.id) in request.form.getlist("seen")}
    unticked = seen - ticked
    return TopicChoice.of(one.id for one in every if one.id not in unticked) if unticked else TopicChoice()
