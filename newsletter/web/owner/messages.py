"""Messages that need attention: uncertain, failed, deferred, with the server's reply."""

from typing import Any

from flask import render_template, request
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from newsletter.languages import marked
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.again import NotAgain, send_again
from newsletter.web.language import _, in_words
from newsletter.web.owner.dashboard import trouble
from newsletter.web.owner.door import asked_id, back, door, note, one_or_404, tell
from newsletter.web.owner.recipients import asked_state, page_of
from newsletter.web.owner.timeline import message_title
from newsletter.web.state import now, reading, state, transaction

SHOWN = (State.UNCERTAIN, State.FAILED, State.DEFERRED)


@door.get("/messages", endpoint="messages")
def index() -> str:
    """List the messages in one state; failed and uncertain ones only until reviewed."""
    asked = asked_state()
    shown = asked if asked in SHOWN else State.UNCERTAIN
    conditions: list[Any] = [Message.troubled_at.is_not(None), Message.state == shown]
    reviewed = request.args.get("reviewed") == "yes"
    if shown is not State.DEFERRED and not reviewed:
        conditions.append(Message.reviewed_at.is_(None))
    with reading() as session:
        counts = trouble(session)
        counts[State.DEFERRED] = session.scalar(
            select(func.count()).where(Message.troubled_at.is_not(None), Message.state == State.DEFERRED)
        ) or 0  # fmt: skip
        few = select(Message.id).where(*conditions)  # uses the partial index; SQLite would scan by id instead
        return render_template(
            "owner/messages.html", page=page_of(session, Message.id.in_(few)), shown=shown, states=SHOWN, counts=counts,
            reviewed=reviewed, title_of=message_title,
        )  # fmt: skip


@door.post("/messages/<row:id>/<any('send-again', leave):verb>", endpoint="message_act")
def act(id: int, verb: str) -> Response:
    """Carry out the owner's decision about a message."""
    with transaction() as session:
        message = one_or_404(session, Message, id, lock=verb == "leave")  # sending again must lock its batch first
        was = message.state
        try:
            if verb == "leave":
                message.leave(now())
                told = _("Left as it is.")
            else:
                send_again(session, message, now())
                told = _("It is sent once more, if the person may still receive it.")
        except NotAgain as error:
            tell(in_words(error), "info")
        else:
            tell(told, "success")
            note(
                session,
                marked("message sent again") if verb == "send-again" else marked("message left"),
                f"{id}, {was}",
            )
    state().trigger.wake()
    person = asked_id("subscriber", request.form)
    return back("subscriber", id=person) if person else back("messages", state=was.value)
