"""Fields: what the owner asks readers for besides the address; created, changed and deleted."""

from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from newsletter import preflight
from newsletter.languages import marked
from newsletter.preflight import FieldUses
from newsletter.subscribers import BadField, Field, FieldKind, add_field, all_fields, change_field, delete_field
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.form_fields import FieldForm, NewFieldForm
from newsletter.web.state import now, reading, transaction

KINDS = {
    FieldKind.TEXT: lazy("text"),
    FieldKind.NUMBER: lazy("number"),
    FieldKind.DATE: lazy("date"),
    FieldKind.CHOICE: lazy("choice"),
    FieldKind.YES_NO: lazy("yes or no"),
}
"""Names of the kinds."""
IN_USE = lazy("It is used, as you see below. Nothing was deleted.")


@door.get("/fields", endpoint="fields")
def index() -> str:
    """List the fields, each with its variable and the number of people with a value."""
    with reading() as session:
        return render_template(
            "owner/fields.html", fields=all_fields(session), people=preflight.values_held(session), kinds=KINDS
        )


@door.route("/fields/new", methods=["GET", "POST"], endpoint="field_new")
def new() -> Any:
    """Create a field."""
    with transaction() if request.method == "POST" else reading() as session:
        form = NewFieldForm()
        if form.validate_on_submit():
            try:
                made = add_field(
                    session, key=form.key.data or "", kind=FieldKind(form.kind.data), now=now(), **_typed(form)
                )
            except BadField as error:
                form[error.part].errors = [in_words(error)]
            else:
                note(session, marked("field made"), made.key)
                return back("fields", _("Mails name it %(name)s; forms may ask for it.", name=made.merge_field.name))
        return render_template("owner/field.html", form=form, row=None, kinds=KINDS), 422 if form.errors else 200


@door.route("/fields/<row:id>", methods=["GET", "POST"], endpoint="field")
def edit(id: int) -> Any:
    """Change its label, choices and fall-back."""
    with transaction() if request.method == "POST" else reading() as session:
        field = one_or_404(session, Field, id, lock=request.method == "POST")
        held = {"label": field.label, "fallback": field.fallback, "choices": "\n".join(field.choices)}
        form = FieldForm() if request.method == "POST" else FieldForm(formdata=None, data=held)
        if form.validate_on_submit():
            try:
                with session.no_autoflush:
                    change_field(session, field, **_typed(form))
            except BadField as error:
                form[error.part].errors = [in_words(error)]
            else:
                note(session, marked("field changed"), field.key)
                return back(
                    "fields",
                    _("Saved. Every mail that names %(name)s has it from now on.", name=field.merge_field.name),
                )
        return render_template("owner/field.html", form=form, row=field, kinds=KINDS), 422 if form.errors else 200


def _typed(form: FieldForm) -> dict[str, Any]:
    choices = (form.choices.data or "").splitlines()
    return {"label": form.label.data or "", "fallback": form.fallback.data or "", "choices": choices}


@door.route("/fields/<row:id>/delete", methods=["GET", "POST"], endpoint="field_delete")
def delete(id: int) -> Any:
    """Ask for confirmation, showing what uses it; then delete it with all its values."""
    with transaction() if request.method == "POST" else reading() as session:
        field = one_or_404(session, Field, id, lock=request.method == "POST")
        uses = preflight.field_uses(session, field)
        if request.method == "GET":
            return render_template("owner/field_delete.html", row=field, uses=uses, told="")
        if not uses.is_free:
            return render_template("owner/field_delete.html", row=field, uses=uses, told=IN_USE), 409
        label, key = field.label, field.key
        _delete(session, field, uses)
        note(session, marked("field deleted"), f"{key}, with {uses.people} values")
    return back("fields", _("“%(label)s” is deleted, with all that it held.", label=label))


def _delete(session: Session, field: Field, uses: FieldUses) -> None:
    for form in uses.forms:
        form.asks_fields = [key for key in form.asks_fields if key != field.key]
    delete_field(session, field)
