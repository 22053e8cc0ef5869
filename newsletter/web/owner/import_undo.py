"""Undoes an import, after showing how many people it concerns and asking for the password."""

from typing import Any

from flask import render_template, request

from newsletter.imports import Import, NotNow
from newsletter.imports.undo import prospect
from newsletter.languages import marked
from newsletter.web.language import in_words, lazy
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.proof import asks_password
from newsletter.web.state import now, reading, transaction

OVER = lazy("This import cannot be undone: that is possible for 24 hours after it has ended.")


@door.get("/subscribers/imports/<row:id>/undo", endpoint="import_ask_undo")
def ask(id: int) -> Any:
    """Show what it would do. Changes nothing."""
    with reading() as session:
        it = one_or_404(session, Import, id)
        if not it.may_be_undone(now()):
            return back("import_one", OVER, "info", id=id)
        return render_template("owner/import_undo.html", it=it, would=prospect(session, it))


@door.post("/subscribers/imports/<row:id>/undo", endpoint="import_undo")
@asks_password
def undo(id: int) -> Any:
    """Have a worker undo it."""
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        try:
            it.undo(now(), forgets_gone=request.form.get("gone") == "forget")
        except NotNow as error:
            return back("import_one", in_words(error), "info", id=id)
        note(session, marked("import undone"), f"{it.id} {it.name}"[:500])
    return back("import_one", id=id)
