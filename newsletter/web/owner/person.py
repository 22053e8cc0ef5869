"""One person: their name and tags, and the confirmation once more."""

from typing import Any

from flask import render_template
from werkzeug.wrappers import Response

from newsletter import journey
from newsletter.mail.sentences import explained
from newsletter.subscribers import MOST_TAGS, Subscriber, all_tags, retag, tags_of
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.forms import PersonForm
from newsletter.web.state import now, reading, runtime, state, transaction

SENT = "The confirmation is on its way once more. Nothing else is sent before they press its button."


@door.get("/subscribers/<row:id>/edit", endpoint="subscriber_edit_ask")
def ask(id: int) -> Any:
    """What they are called, and what they are sorted by."""
    with reading() as session:
        person = one_or_404(session, Subscriber, id)
        shown = {"first_name": person.first_name, "tags": "\n".join(tags_of(session, id))}
        return render_template("owner/subscriber_edit.html", person=person, known=all_tags(session),
                               form=PersonForm(formdata=None, data=shown))  # fmt: skip


@door.post("/subscribers/<row:id>/edit", endpoint="subscriber_edit")
def edit(id: int) -> Any:
    """Both as they stand in the form. They change nothing of what this person receives by themselves."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        form = PersonForm()
        names = list(dict.fromkeys(filter(None, (line.strip() for line in (form.tags.data or "").splitlines()))))
        if form.validate() and len(names) > MOST_TAGS:
            form.tags.errors = [f"These are {len(names):,} tags; a person can have {MOST_TAGS}."]
        if form.errors:
            page = render_template("owner/subscriber_edit.html", person=person, known=all_tags(session), form=form)
            return page, 422
        person.first_name = form.first_name.data or ""
        retag(session, id, names)
        note(session, "subscriber edited", str(id))
    return back("subscriber", "Saved.", id=id)


@door.post("/subscribers/<row:id>/ask-again", endpoint="subscriber_ask_again")
def ask_again(id: int) -> Response:
    """The mail with the confirmation's button once more, for somebody who says that it never came."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id)
        reason = journey.ask_again(session, runtime(), person, now())
        if reason is None:
            note(session, "confirmation sent again", str(id))
    if reason is not None:
        return back("subscriber", explained(reason), "danger", id=id)
    state().crank.turn()
    return back("subscriber", SENT, id=id)
