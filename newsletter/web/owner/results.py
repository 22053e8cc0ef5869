"""Results of campaigns and series mails, on a page and as a file."""

import csv
import io
from typing import Any

from flask import current_app, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand, reports
from newsletter.articles import Article
from newsletter.campaigns import ABTest, Campaign
from newsletter.imports.export import guarded
from newsletter.reports import Result
from newsletter.web.owner.door import PAGE, asked_id, door, one_or_404
from newsletter.web.state import reading, runtime

MOST_EXPORTED = 2_000
"""Most campaigns in one file, the newest."""
COLUMNS = (
    "kind", "number", "title", "series", "launched_at", "sent", "failed", "bounced", "complained", "left", "clicked",
    "clicked_share", "machines_only", "ab_test", "ab_part",
)  # fmt: skip


@door.get("/results", endpoint="results")
def index() -> str:
    """List campaigns, newest first, and the mails of series."""
    look = select(Campaign).where(Campaign.launched_at.is_not(None)).order_by(Campaign.id.desc()).limit(PAGE + 1)
    before = asked_id("before")
    if before:
        look = look.where(Campaign.id < before)
    with reading() as session:
        rows = session.scalars(look).all()
        more = rows[PAGE - 1].id if len(rows) > PAGE else None
        return render_template(
            "owner/results.html", campaigns=reports.of_campaigns(session, rows[:PAGE]), more=more,
            mails=[] if before else reports.of_series(session), counting=brand.current(session).counts_clicks,
        )  # fmt: skip


@door.get("/results/articles/<row:id>", endpoint="result")
def show(id: int) -> str:
    """Show who followed which link in series mails with one article."""
    with reading() as session:
        article = one_or_404(session, Article, id)
        found = next((one for one in reports.of_series(session) if one.article.id == id), None)
        return render_template(
            "owner/result.html", article=article, mail=found, counting=brand.current(session).counts_clicks,
            clicks=reports.clicks_of_article(session, article, runtime().renderer),
        )  # fmt: skip


@door.get("/results/export.csv", endpoint="results_export")
def export() -> Response:
    """Download all results as a file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    look = select(Campaign).where(Campaign.launched_at.is_not(None)).order_by(Campaign.id.desc()).limit(MOST_EXPORTED)
    with reading() as session:
        tests = _ab_tests(session)
        for campaign, result in reports.of_campaigns(session, session.scalars(look).all()):
            at = campaign.launched_at.isoformat() if campaign.launched_at else ""
            row = _row("campaign", campaign.id, campaign.article.title, "", at, result)
            writer.writerow([*row, *tests.get(campaign.id, ("", ""))])
        for mail in reports.of_series(session):
            series = ", ".join(mail.series)
            writer.writerow(
                [*_row("series mail", mail.article.id, mail.article.title, series, "", mail.result), "", ""]
            )
    answer = current_app.response_class(out.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=results.csv"
    return answer


def _ab_tests(session: Session) -> dict[int, tuple[int, str]]:
    """(id of A, part) by campaign id, for the parts of A/B tests."""
    found = {}
    for test in session.scalars(select(ABTest)):
        for id, name in ((test.a_id, "A"), (test.b_id, "B"), (test.rest_id, "rest")):
            found[id or 0] = test.a_id, name
    return found


def _row(kind: str, number: int, title: str, series: str, at: str, result: Result) -> list[Any]:
    clicked = result.clicked
    share = f"{clicked / result.sent:.4f}" if clicked is not None and result.sent else ""
    return [
        kind, number, guarded(title), guarded(series), at, result.sent, result.failed, result.bounced,
        result.complained, result.left, "" if clicked is None else clicked, share, result.machines,
    ]  # fmt: skip
