"""Spam points on the pages of campaigns, articles and guides: requested here, computed by a worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import jsonify, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.db import Base
from newsletter.guides import Guide
from newsletter.preflight import Level, spam
from newsletter.preflight.spam import Scores
from newsletter.web.language import _
from newsletter.web.owner import spam_words as words
from newsletter.web.owner.door import back, door, one_or_404
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, transaction

KINDS = f"/sending/spam/<any({', '.join(Scores)}):kind>/<row:id>"
PRESSES = "30 per minute"
ROWS: dict[Scores, type[Base]] = {Scores.CAMPAIGN: Campaign, Scores.ARTICLE: Article, Scores.GUIDE: Guide}
PAGES = {Scores.CAMPAIGN: "campaign", Scores.ARTICLE: "article", Scores.GUIDE: "guide_setup"}
COUNTS = 0.05
"""Points below which a rule is shown as not counting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A rule that matched, with advice."""

    points: float
    name: str
    means: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailShown:
    """A mail and its points; rules that count come first, by weight."""

    part: str
    points: float
    threshold: float
    hits: Sequence[Hit]
    rest: Sequence[Hit]

    @property
    def is_warning(self) -> bool:
        """Whether the owner should read the details."""
        return spam.level_of(self.points, self.threshold) is Level.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The scores shown on a page. `state`: "unasked" (also after a change of text), "waiting", or a text per score."""

    kind: Scores
    id: int
    state: str
    trouble: str = ""
    said: str = ""
    mails: Sequence[MailShown] = ()
    at: datetime | None = None

    @property
    def page(self) -> str:
        """The address of the page section with the scores."""
        return url_for(f"owner.{PAGES[self.kind]}", id=self.id, _anchor="spam")


def shown(session: Session, kind: Scores, id: int) -> Shown | None:
    """The present scores; None without SpamAssassin."""
    rt = runtime()
    if not rt.settings.spamd:
        return None
    row = spam.score_of(session, kind, id)
    if row is not None and row.waits:
        return Shown(kind=kind, id=id, state="waiting")
    mails = spam.mails_of(session, rt.renderer, rt.guides, kind, id) if row else []
    if row is None or row.fingerprint != spam.fingerprint_of(rt.renderer, brand.current(session), mails):
        return Shown(kind=kind, id=id, state="unasked")
    found = row.found
    return Shown(
        kind=kind, id=id, state=f"{row.looked_at:%H%M%S%f}", trouble=words.trouble(found["trouble"]),
        said=found["said"], mails=[_mail(one) for one in found["mails"]], at=row.looked_at,
    )  # fmt: skip


def _mail(found: dict[str, Any]) -> MailShown:
    every = [Hit(points=points, name=name, means=means, mend=words.mend(name) if points > 0 else "")
             for points, name, means in found["hits"]]  # fmt: skip
    every.sort(key=lambda one: -one.points)
    return MailShown(
        part=found["part"], points=found["points"], threshold=found["threshold"],
        hits=[one for one in every if abs(one.points) >= COUNTS],
        rest=[one for one in every if abs(one.points) < COUNTS],
    )  # fmt: skip


@door.get(KINDS, endpoint="spam")
def show(kind: str, id: int) -> Response:
    """The page section as JSON, for its script."""
    with reading() as session:
        one_or_404(session, ROWS[Scores(kind)], id)
        return _piece(session, Scores(kind), id)


@door.post(KINDS, endpoint="spam_ask")
@limiter.limit(PRESSES)
def ask(kind: str, id: int) -> Response:
    """Request a score. Nothing is mailed."""
    what = Scores(kind)
    if not runtime().settings.spamd:
        return back(PAGES[what], _("Spam points are not asked for here: SPAMD is not set."), "info", id=id)
    with transaction() as session:
        one_or_404(session, ROWS[what], id)
        spam.ask(session, what, id, now())
    if request.accept_mimetypes.best == "application/json":
        with reading() as session:
            return _piece(session, what, id)
    return back(PAGES[what], id=id, _anchor="spam")


def _piece(session: Session, kind: Scores, id: int) -> Response:
    seen = shown(session, kind, id)
    html = render_template("owner/_spam.html", spam=seen) if seen else ""
    return jsonify(state=seen.state if seen else "", html=html)
