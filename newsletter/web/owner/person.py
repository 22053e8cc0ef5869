"""One person: edits their name, tags and fields, and resends the confirmation."""

from collections.abc import Sequence
from typing import Any

from flask import render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import journey
from newsletter.languages import marked
from newsletter.mail.sentences import explained
from newsletter.subscribers import (
    MOST_TAGS,
    Field,
    Subscriber,
    all_fields,
    all_tags,
    retag,
    set_values,
    tags_of,
    values_of,
)
from newsletter.web.forms import answer_name
from newsletter.web.language import _, lazy
from newsletter.web.owner.display import number
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.forms import PersonForm, person_form
from newsletter.web.state import now, reading, runtime, state, transaction

SENT = lazy("The confirmation is on its way once more. Nothing else is sent before they press its button.")


@door.get("/subscribers/<row:id>/edit", endpoint="subscriber_edit_ask")
def ask(id: int) -> Any:
    """Show the form for name, tags and fields."""
    with reading() as session:
        person = one_or_404(session, Subscriber, id)
        fields, held = all_fields(session), values_of(session, id)
        shown = {"first_name": person.first_name, "tags": "\n".join(tags_of(session, id)),
                 "language": person.language or ""}  # fmt: skip
        shown |= {answer_name(one): held.get(one.id, "") for one in fields}
        form = person_form(fields, formdata=None, data=shown)
        form.language.offer(person.language)
        return _page(session, person, form, fields)


def _page(session: Session, person: Subscriber, form: PersonForm, fields: Sequence[Field]) -> str:
    return render_template(
        "owner/subscriber_edit.html", person=person, known=all_tags(session), form=form,
        answers=[(one, form[answer_name(one)]) for one in fields],
    )  # fmt: skip


@door.post("/subscribers/<row:id>/edit", endpoint="subscriber_edit")
def edit(id: int) -> Any:
    """Save the form. By itself, it does not change what the person receives."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id, lock=True)
        fields = all_fields(session)
        form = person_form(fields)
        form.language.offer(person.language)
        names = list(dict.fromkeys(filter(None, (line.strip() for line in (form.tags.data or "").splitlines()))))
        if form.validate() and len(names) > MOST_TAGS:
            form.tags.errors = [
                _(
                    "These are %(names)s tags; a person can have %(most_tags)s.",
                    names=number(len(names)),
                    most_tags=MOST_TAGS,
                )
            ]
        if form.errors:
            return _page(session, person, form, fields), 422
        person.language = form.language.chosen
        person.first_name = form.first_name.data or ""
        retag(session, id, names)
        set_values(session, id, {one: one.read(form[answer_name(one)].data or "") for one in fields})
        note(session, marked("subscriber edited"), str(id))
    return back("subscriber", _("Saved."), id=id)


@door.post("/subscribers/<row:id>/ask-again", endpoint="subscriber_ask_again")
def ask_again(id: int) -> Response:
    """Resend the confirmation to somebody who says that it never arrived."""
    with transaction() as session:
        person = one_or_404(session, Subscriber, id)
        reason = journey.ask_again(session, runtime(), person, now())
        if reason is None:
            note(session, marked("confirmation sent again"), str(id))
    if reason is not None:
        return back("subscriber", explained(reason), "danger", id=id)
    state().trigger.wake()
    return back("subscriber", SENT, id=id)
