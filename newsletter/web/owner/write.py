"""Write: articles and campaigns in one list, each with its kind and next event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import drafts, reports, topics, writing
from newsletter.campaigns import Campaign, CampaignState
from newsletter.guides import Guide
from newsletter.reports import Went
from newsletter.topics import Topic
from newsletter.web.language import lazy
from newsletter.web.owner.door import PAGE, asked_id, door, words_asked
from newsletter.web.owner.progress import Progress
from newsletter.web.state import now, reading
from newsletter.writing import Kind, Row, Stage, Wanted

STAGES = {
    Stage.DRAFT: lazy("draft"), Stage.WAITING: lazy("waiting for approval"), Stage.SCHEDULED: lazy("scheduled"),
    Stage.SENDING: lazy("going out"), Stage.SENT: lazy("sent"), Stage.SERIES: lazy("in a series"),
    Stage.ARCHIVE: lazy("in the archive"), Stage.CANCELLED: lazy("called off"),
}  # fmt: skip
KINDS = {Kind.ARTICLE: lazy("articles only"), Kind.CAMPAIGN: lazy("campaigns only")}
MOST_UNSAVED = 5
"""Unsaved drafts shown above the list."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The filters in the page's address."""

    wanted: Wanted
    topic: Topic | None

    @classmethod
    def typed(cls, session: Session) -> "Shown":
        """The filters in the address; missing or unknown ones filter nothing."""
        asked = request.args
        topic = session.get(Topic, asked_id("topic") or 0)
        wanted = Wanted(
            stage=next((one for one in Stage if one.value == asked.get("state")), None),
            kind=next((one for one in Kind if one.value == asked.get("kind")), None),
            topic=topic.id if topic else None, words=words_asked(),
        )  # fmt: skip
        return cls(wanted, topic)

    @property
    def as_query(self) -> dict[str, Any]:
        """The filters as query parameters."""
        one = self.wanted
        asked = {"state": one.stage and one.stage.value, "kind": one.kind and one.kind.value}
        return {name: value for name, value in (asked | {"topic": one.topic, "q": one.words}).items() if value}


@dataclass(frozen=True, slots=True)
class Pages:
    """The position of a page in the list. `number`: from 1 to `last`."""

    number: int
    last: int

    @classmethod
    def of(cls, rows: int, asked: int | None) -> "Pages":
        """The requested page of this many rows."""
        last = max(-(-rows // PAGE), 1)
        return cls(min(asked or 1, last), last)

    @property
    def offset(self) -> int:
        """Number of rows on earlier pages."""
        return (self.number - 1) * PAGE


@door.get("/write", endpoint="write")
def index() -> str:
    """The list, with the filters in its address."""
    with reading() as session:
        shown = Shown.typed(session)
        counts = writing.count(session, shown.wanted)
        pages = Pages.of(counts[shown.wanted.stage], asked_id("page"))
        rows = writing.page(session, shown.wanted, offset=pages.offset, limit=PAGE)
        unsaved = drafts.opened(session, owner_id=current_user.owner_id)
        return render_template(
            "owner/write.html", rows=rows, shown=shown, counts=counts, pages=pages, stages=STAGES, kinds=KINDS,
            topics=topics.every(session), unsaved=unsaved[:MOST_UNSAVED], titles=_titles(session, rows),
            sizes=_sizes(session, rows), went=_went(session, rows), progress=_progress(session, rows),
        )  # fmt: skip


def _campaigns(rows: Sequence[Row], *states: CampaignState) -> list[Campaign]:
    return [one.campaign for one in rows if one.campaign is not None and one.campaign.stored_state in states]


def _sizes(session: Session, rows: Sequence[Row]) -> dict[int, int | None]:
    """Number of recipients of drafts and scheduled campaigns, by campaign id; None while they are counted."""
    to_come, at = _campaigns(rows, CampaignState.DRAFT, CampaignState.SCHEDULED), now()
    return {one.id: one.audience(at).size_if_kept(session) for one in to_come}


def _went(session: Session, rows: Sequence[Row]) -> Mapping[int, Went] | None:
    return reports.went_out(session, _campaigns(rows, CampaignState.SENT, CampaignState.CANCELLED))


def _progress(session: Session, rows: Sequence[Row]) -> dict[int, Progress]:
    return {one.id: Progress.of(session, one, now()) for one in _campaigns(rows, CampaignState.SENDING)}


def _titles(session: Session, rows: Sequence[Row]) -> dict[str, str]:
    asked = {one.campaign.segment_guide for one in rows if one.campaign is not None and one.campaign.segment_guide}
    return dict(session.execute(select(Guide.slug, Guide.title).where(Guide.slug.in_(asked))).all()) if asked else {}


@door.get("/articles", endpoint="articles")
def articles() -> Response:
    """Redirect the former list of articles, for old bookmarks and links."""
    return _moved(Kind.ARTICLE)


@door.get("/campaigns", endpoint="campaigns")
def campaigns() -> Response:
    """Redirect the former list of campaigns."""
    return _moved(Kind.CAMPAIGN)


def _moved(kind: Kind) -> Response:
    return redirect(url_for("owner.write", kind=kind.value, q=words_asked() or None), 302)
