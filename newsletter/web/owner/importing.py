"""Bringing people in by a file: send it, see what would happen, then let it happen."""

import csv
import io
from typing import Any

from flask import current_app, render_template, request

from newsletter.imports import BadFile, Fate, Flaw, Report, import_csv
from newsletter.imports.errors import ErrorsFile
from newsletter.imports.rows import Row
from newsletter.imports.sentences import how_read, outcome, refusals, summary
from newsletter.imports.uploads import Upload, forget_old
from newsletter.web.bodies import largest
from newsletter.web.owner.display import size
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.forms import ImportForm
from newsletter.web.state import now, runtime, transaction

GONE = "The file is not here any more: it is kept for an hour. Please choose it again."


@door.get("/subscribers/import", endpoint="subscriber_import")
def ask() -> str:
    """Which file, and how these people agreed."""
    return _form(ImportForm())


@door.post("/subscribers/import", endpoint="subscriber_import_send")
def send() -> Any:
    """Keep the file and show what would happen."""
    form = ImportForm()
    forget_old(runtime().uploads, now())
    if not form.validate_on_submit():
        return _form(form), 400
    sent = form.file.data
    upload = Upload.keep(runtime().uploads, sent.stream, sent.filename or "", form.basis.data or "", now())
    return back("subscriber_import_check", token=upload.token)


@door.get("/subscribers/import/<token>", endpoint="subscriber_import_check")
def check(token: str) -> Any:
    """What the file would do; nothing is written."""
    if (upload := Upload.find(runtime().uploads, token)) is None:
        return back("subscriber_import", GONE, "info")
    try:
        return _told(_run(upload, dry_run=True), upload)
    except BadFile as error:
        return _unusable(upload, error)


@door.get("/subscribers/import/<token>/errors.csv", endpoint="subscriber_import_errors")
def errors(token: str) -> Any:
    """The rows that would bring nobody, as a file: line, reason, row."""
    if (upload := Upload.find(runtime().uploads, token)) is None:
        return back("subscriber_import", GONE, "info")
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(ErrorsFile.COLUMNS)
    try:
        _run(upload, dry_run=True, left_out=lambda row, why: writer.writerow(ErrorsFile.cells(row, why)))
    except BadFile as error:
        return _unusable(upload, error)
    answer = current_app.response_class(out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=not-imported.csv"
    return answer


@door.post("/subscribers/import/<token>", endpoint="subscriber_import_do")
def do(token: str) -> Any:
    """Import it, or let it be; the file is deleted either way."""
    if (upload := Upload.find(runtime().uploads, token)) is None:
        return back("subscriber_import", GONE, "info")
    if request.form.get("verb") != "import":
        upload.forget()
        return back("subscribers", "Nothing was imported; the file is deleted.", "info")
    try:
        report = _run(upload, dry_run=False)
    except BadFile as error:
        return _unusable(upload, error)
    with transaction() as session:
        note(session, "subscribers imported", f"{upload.name}: {summary(report)}. Basis: {upload.basis}")
    upload.forget()
    return _told(report, upload)


def _run(upload: Upload, dry_run: bool, left_out: Any = None) -> Report:
    def ignore(row: Row, why: Flaw | Fate) -> None:
        pass

    rt = runtime()
    with upload.path.open("rb") as file:
        return import_csv(rt.database, file, upload.basis, rt.secrets, now(), name=upload.name, dry_run=dry_run,
                          left_out=left_out or ignore)  # fmt: skip


def _unusable(upload: Upload, error: BadFile) -> Any:
    upload.forget()
    form = ImportForm(formdata=None, data={"basis": upload.basis})
    form.file.errors = [str(error)]
    return _form(form), 400


def _told(report: Report, upload: Upload) -> str:
    unread = (Fate.REFUSED, Fate.SUPPRESSED, Fate.NEVER_AGREED, Fate.STAYED)
    return render_template(
        "owner/import_report.html", report=report, upload=upload, how=how_read(report.reading),
        refused=refusals(report), outcome=outcome(report), left_out=sum(report.fates[fate] for fate in unread),
        changes=report.read - sum(report.fates[fate] for fate in (*unread, Fate.KNOWN)),
    )  # fmt: skip


def _form(form: ImportForm) -> str:
    return render_template("owner/import.html", form=form, largest=largest("owner.subscriber_import_send"))


def too_large() -> tuple[str, int]:
    """The page again, with a word about a file that was too large to be read."""
    form = ImportForm(formdata=None)
    form.file.errors = [
        f"This file is larger than {size(largest('owner.subscriber_import_send'))}. Import it on the server: "
        "newsletter subscribers import FILE --consent-basis TEXT"
    ]
    return _form(form), 413
