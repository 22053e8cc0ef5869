"""The funnel of forms: seen, submitted, confirmed, guide fetched, read on; per form and page, and as a file."""

import csv
import io
from dataclasses import astuple, fields
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, render_template, request
from werkzeug.wrappers import Response

from newsletter import funnel
from newsletter.forms import Form
from newsletter.funnel import Funnel
from newsletter.imports.export import guarded
from newsletter.web.owner.door import door, one_or_404
from newsletter.web.state import now, reading

SPANS = (7, 30, 90, 365, 0)
"""Spans to choose from, in days; 0: all."""
USUAL = 30


@door.get("/results/forms", endpoint="funnel")
def index() -> str:
    """Show the funnel of every form."""
    days = _days()
    with reading() as session:
        rows = funnel.of_forms(session, _since(days))
        return _page(days, rows=[(form.name, form, one) for form, one in rows if form.is_open or one != Funnel()])


@door.get("/results/forms/<row:id>", endpoint="funnel_form")
def show(id: int) -> str:
    """Show the funnel of one form by page."""
    days = _days()
    with reading() as session:
        form = one_or_404(session, Form, id)
        rows = funnel.of_pages(session, form, _since(days))
        return _page(days, form=form, rows=[(page, None, one) for page, one in rows])


@door.get("/results/forms.csv", endpoint="funnel_export")
def export() -> Response:
    """Download every form with each of its pages as a file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["form", "page", *(one.name for one in fields(Funnel))])
    since = _since(_days())
    with reading() as session:
        for form, whole in funnel.of_forms(session, since):
            writer.writerow([form.slug, "", *astuple(whole)])
            for page, one in funnel.of_pages(session, form, since):
                writer.writerow([form.slug, guarded(page) or "elsewhere", *astuple(one)])
    answer = current_app.response_class(out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=forms.csv"
    return answer


def _page(days: int, **known: Any) -> str:
    return render_template("owner/funnel.html", days=days, spans=SPANS, stayed=funnel.STAYED, **known)


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked in map(str, SPANS) else USUAL


def _since(days: int) -> datetime | None:
    """The start of a span, at midnight, because views are counted by day."""
    first = now() - timedelta(days=days - 1)
    return first.replace(hour=0, minute=0, second=0, microsecond=0) if days else None
