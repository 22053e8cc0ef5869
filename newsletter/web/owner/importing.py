"""Imports of people: uploads a file, lists all imports, and leads each from the file to its report."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import jsonify, render_template, send_file
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter.imports import BadFile, Fate, Import, ImportState, NotNow
from newsletter.imports.fields_made import make_fields
from newsletter.imports.header import glance
from newsletter.imports.record import KEPT_FOR, STANDS, begin
from newsletter.imports.sentences import changes, how_read, outcome, refusals, to_look_at
from newsletter.imports.source import Source
from newsletter.imports.uploads import Upload
from newsletter.web.bodies import largest
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner import import_basis, import_columns
from newsletter.web.owner.display import size
from newsletter.web.owner.door import PAGE, asked_id, back, door, note, one_or_404
from newsletter.web.owner.forms import ImportForm
from newsletter.web.state import now, reading, runtime, transaction

BRINGS_NOBODY = (Fate.REFUSED, Fate.SUPPRESSED, Fate.NEVER_AGREED, Fate.STAYED)
WAITS = timedelta(seconds=10)
"""Time after which the page says that no worker has started on the import."""
TOLD = {
    "start": "", "stop": lazy("Stopped. What is in stays; it can go on from there, or be undone."),
    "columns-again": "", "basis-again": "",
}  # fmt: skip


@door.get("/subscribers/import", endpoint="subscriber_import")
def ask() -> str:
    """Show the form for a file."""
    return _form(ImportForm())


@door.post("/subscribers/import", endpoint="subscriber_import_send")
def send() -> Any:
    """Store the file, and ask for its columns."""
    form = ImportForm()
    if not form.validate_on_submit():
        return _form(form), 400
    sent = form.file.data
    upload = Upload.keep(runtime().uploads, sent.stream)
    try:
        if not upload.book.is_file():
            _check(upload.rows)
    except BadFile as error:
        upload.forget()
        form.file.errors = [in_words(error)]
        return _form(form), 400
    state = ImportState.READING if upload.book.is_file() else ImportState.MAPPING
    with transaction() as session:
        it = begin(session, sent.filename or "", now(), state, owner_id=current_user.owner_id, token=upload.token,
                   size=upload.size)  # fmt: skip
    return back("import_one", id=it.id)


def _check(path: Path) -> None:
    """Check that the file is a list. Raises BadFile."""
    with path.open("rb") as file:
        glance(Source(file), most=0)


@door.get("/subscribers/imports", endpoint="imports")
def index() -> str:
    """List every import, newest first."""
    with reading() as session:
        look = select(Import).order_by(Import.id.desc()).limit(PAGE + 1)
        if before := asked_id("before"):
            look = look.where(Import.id < before)
        rows = session.scalars(look).all()
        more = rows[PAGE - 1].id if len(rows) > PAGE else None
        return render_template("owner/imports.html", rows=rows[:PAGE], more=more, stands=STANDS, paged=bool(before))


@door.get("/subscribers/imports/<row:id>", endpoint="import_one")
def one(id: int) -> Any:
    """Show an import's next question, progress or result."""
    with reading() as session:
        it = one_or_404(session, Import, id)
        if it.state is ImportState.MAPPING:
            return import_columns.page(session, it)
        if it.state is ImportState.ASKING:
            return import_basis.page(session, it)
        if it.is_working:
            return _progress_page(it)
        return _told(it)


def _progress_page(it: Import) -> str:
    late = it.lease_until is None and now() > it.touched_at + WAITS
    return render_template("owner/import_progress.html", it=it, far=_far(it), report=it.told, late=late)


def _far(it: Import) -> dict[str, Any]:
    """The progress, for the page and its script. `total`: 0 while unknown."""
    measured = it.state in (ImportState.CHECKING, ImportState.RUNNING)
    report = it.told
    return {
        "state": it.state.value, "done": it.octets if measured else 0, "total": it.size if measured else 0,
        "percent": min(100 * it.octets // it.size, 100) if measured and it.size else 0,
        "rows": report.read if report else 0, "undone": sum(it.undone.values()),
    }  # fmt: skip


@door.get("/subscribers/imports/<row:id>/progress.json", endpoint="import_progress")
def progress(id: int) -> Response:
    """The present numbers as JSON."""
    with reading() as session:
        answer = jsonify(_far(one_or_404(session, Import, id)))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _told(it: Import) -> str:
    report = it.told
    undo_until = it.finished_at + KEPT_FOR if it.finished_at and it.may_be_undone(now()) else None
    upload = Upload(runtime().uploads, it.token or "")
    return render_template(
        "owner/import_report.html", it=it, report=report, how=how_read(report.reading) if report else [],
        refused=refusals(report) if report else [], outcome=outcome(report) if report else [],
        known=changes(report) if report else [], look=to_look_at(report) if report else [],
        left_out=sum(report.fates[fate] for fate in BRINGS_NOBODY) if report else 0, undo_until=undo_until,
        errors=bool(it.token) and upload.errors.is_file(), can_go_on=upload.is_here, far=_far(it),
        changes=report.read - sum(report.fates[fate] for fate in (*BRINGS_NOBODY, Fate.KNOWN)) if report else 0,
    )  # fmt: skip


@door.get("/subscribers/imports/<row:id>/errors.csv", endpoint="import_errors")
def errors(id: int) -> Any:
    """Download the rejected rows as a file: line, reason, row."""
    with reading() as session:
        upload = Upload(runtime().uploads, one_or_404(session, Import, id).token or "")
    if not upload.token or not upload.errors.is_file():
        return back("import_one", _("That file is not here any more: it is kept for a day."), "info", id=id)
    answer = send_file(upload.errors, mimetype="text/csv", as_attachment=True, download_name="not-imported.csv")
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@door.post(
    "/subscribers/imports/<row:id>/<any(start, stop, 'columns-again', 'basis-again'):verb>", endpoint="import_act"
)
def act(id: int, verb: str) -> Response:
    """Carry out a button's action. If repeated or too late, changes nothing and shows the present state."""
    told, kind = TOLD[verb], "success"
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        try:
            _do(session, it, verb)
        except NotNow as error:
            told, kind = in_words(error), "info"
        except BadFile as error:
            it.fail(now(), in_words(error), ImportState.MAPPING)
        else:
            note(session, f"import {verb}", f"{it.id} {it.name}"[:500])
    return back("import_one", told, kind, id=id)


def _do(session: Session, it: Import, verb: str) -> None:
    at = now()
    if verb == "start" and it.state is ImportState.STOPPED:
        it.go_on(at)
    elif verb == "start":
        it.start(at)
        meanings, it.fields_made = make_fields(session, it.columns, at)
        it.meanings = [one.as_json() for one in meanings]
    else:
        {"stop": it.stop, "columns-again": it.ask_columns_again, "basis-again": it.ask_basis_again}[verb](at)


@door.post("/subscribers/imports/<row:id>/discard", endpoint="import_discard")
def discard(id: int) -> Response:
    """Discard an import and delete its file. One already written is not a draft, and stays in the list."""
    with transaction() as session:
        it = one_or_404(session, Import, id, lock=True)
        if it.started_at is not None:
            return back(
                "import_one",
                _("This import is %(state)s, so it is not deleted.", state=in_words(STANDS[it.state])),
                "info",
                id=id,
            )
        Upload(runtime().uploads, it.token or "").forget()
        session.delete(it)
    return back("subscriber_import", _("Nothing was imported; the file is deleted."), "info")


def _form(form: ImportForm) -> str:
    with reading() as session:
        last = session.scalars(select(Import).order_by(Import.id.desc()).limit(5)).all()
        return render_template(
            "owner/import.html", form=form, largest=largest("owner.subscriber_import_send"), last=last, stands=STANDS
        )


def too_large() -> tuple[str, int]:
    """The page again, with an error about a file too large to be read."""
    form = ImportForm(formdata=None)
    form.file.errors = [
        _(
            "This file is larger than %(size)s. Import it on the server: newsletter subscribers import FILE "
            "--consent-basis TEXT",
            size=size(largest("owner.subscriber_import_send")),
        )
    ]
    return _form(form), 413
