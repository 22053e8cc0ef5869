"""Writing: articles and campaigns in one list, by stage.

An article that a campaign uses is represented by the campaign, unless it is also in a series or the archive, or only
articles are requested. Messages are not read here: results of campaigns are a figure (`reports.went_out`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, true, union_all
from sqlalchemy.orm import Session, joinedload

from newsletter.approval import Approval, ApprovalState
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState, Part
from newsletter.sequences import Sequence as Series
from newsletter.sequences import Step

_TO_COME = (CampaignState.DRAFT, CampaignState.SCHEDULED)


class Kind(StrEnum):
    """Kind of a row."""

    ARTICLE = "article"
    CAMPAIGN = "campaign"


class Stage(StrEnum):
    """Stage of an article or campaign. An article may be both in a series and in the archive."""

    DRAFT = "draft"
    WAITING = "waiting"
    """Waiting for approval."""
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    SERIES = "series"
    ARCHIVE = "archive"
    CANCELLED = "cancelled"


_BY_STATE = {
    CampaignState.SCHEDULED: Stage.SCHEDULED, CampaignState.SENDING: Stage.SENDING, CampaignState.SENT: Stage.SENT,
    CampaignState.CANCELLED: Stage.CANCELLED,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Filters of the list, combined with AND."""

    stage: Stage | None = None
    kind: Kind | None = None
    topic: int | None = None
    words: str = ""
    """Text to find in the title, ignoring case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOf:
    """An article's place in a series. `number`: from 1, without deleted steps."""

    series_id: int
    series: str
    number: int
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the list; `campaign` is None for an article."""

    article: Article
    campaign: Campaign | None = None
    approval: Approval | None = None
    """The approval that it waits for, if any."""
    steps: Sequence[StepOf] = ()
    sent_at: datetime | None = None
    """For an article: when its latest campaign was launched."""

    @property
    def stages(self) -> list[Stage]:
        """Its stages: several only for an article in a series and in the archive."""
        if self.campaign is not None:
            return [Stage.WAITING if self.approval else _BY_STATE.get(self.campaign.stored_state, Stage.DRAFT)]
        found = [Stage.SERIES] if self.steps else []
        found += [Stage.ARCHIVE] if self.article.published_at else []
        return found or ([Stage.SENT] if self.sent_at else [Stage.DRAFT])


def count(session: Session, wanted: Wanted) -> dict[Stage | None, int]:
    """Number of rows by stage, ignoring `wanted.stage`; None: in all stages."""
    found: dict[Stage | None, int] = dict.fromkeys((None, *Stage), 0)
    if wanted.kind is not Kind.CAMPAIGN:
        stages = [stage for stage in _ARTICLES if stage is not None]
        asked = [func.count(case((_ARTICLES[stage], 1))) for stage in stages]
        look = select(func.count(case((_listed(wanted.kind), 1))), *asked).where(*_narrowed(wanted))
        every, *each = session.execute(look).one()
        found |= {None: every, **dict(zip(stages, each, strict=True))}
    if wanted.kind is not Kind.ARTICLE:
        parts = select(Campaign.stored_state, _WAITS, func.count()).join(Article, Article.id == Campaign.article_id)
        parts = parts.where(_SHOWN, *_narrowed(wanted)).group_by(Campaign.stored_state, _WAITS)
        for state, waits, number in session.execute(parts):
            stage = Stage.WAITING if waits else _BY_STATE.get(state, Stage.DRAFT)
            found[stage] += number
            found[None] += number
    return found


def page(session: Session, wanted: Wanted, *, offset: int, limit: int) -> list[Row]:
    """Rows of one page, newest first: campaigns by launch, else scheduled time; the rest by last change.

    Publishing an article in the archive counts as a change.
    """
    parts = [*_articles(wanted), *_campaigns(wanted)]
    if not parts:
        return []
    every = union_all(*parts).subquery()
    look = select(every.c.kind, every.c.id).order_by(every.c.at.desc(), every.c.kind, every.c.id.desc())
    found = [(Kind(kind), id) for kind, id in session.execute(look.offset(offset).limit(limit))]
    rows = _rows_of_articles(session, [id for kind, id in found if kind is Kind.ARTICLE])
    rows |= _rows_of_campaigns(session, [id for kind, id in found if kind is Kind.CAMPAIGN])
    return [rows[one] for one in found if one in rows]


_USED = Article.id.in_(select(Campaign.article_id))
_IN_SERIES = Article.id.in_(select(Step.article_id).where(Step.deleted_at.is_(None)))
_PUBLIC = Article.published_at.is_not(None)
_ARTICLES: Mapping[Stage | None, ColumnElement[bool]] = {
    Stage.DRAFT: and_(~_USED, ~_IN_SERIES, ~_PUBLIC), Stage.SERIES: _IN_SERIES, Stage.ARCHIVE: _PUBLIC,
}  # fmt: skip
_SHOWN = or_(Campaign.part.is_distinct_from(Part.B), Campaign.stored_state.not_in(_TO_COME))
"""Omits B of an A/B test that has not begun: it is on A's page."""
_WAITS = and_(
    Campaign.stored_state == CampaignState.DRAFT,
    Campaign.id.in_(select(Approval.campaign_id).where(Approval.state == ApprovalState.WAITING)),
)


def _listed(kind: Kind | None) -> ColumnElement[bool]:
    return true() if kind is Kind.ARTICLE else or_(~_USED, _IN_SERIES, _PUBLIC)


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    narrowed = [Article.topic_id == wanted.topic] if wanted.topic else []
    return [*narrowed, *([Article.title.icontains(wanted.words, autoescape=True)] if wanted.words else [])]


def _articles(wanted: Wanted) -> list[Select[str, int, datetime]]:
    if wanted.kind is Kind.CAMPAIGN or (wanted.stage and wanted.stage not in _ARTICLES):
        return []
    at = case((Article.published_at > Article.updated_at, Article.published_at), else_=Article.updated_at)
    which = _ARTICLES[wanted.stage] if wanted.stage else _listed(wanted.kind)
    kind = literal(Kind.ARTICLE.value).label("kind")
    return [select(kind, Article.id.label("id"), at.label("at")).where(which, *_narrowed(wanted))]


def _campaigns(wanted: Wanted) -> list[Select[str, int, datetime]]:
    states = [state for state, stage in _BY_STATE.items() if stage is wanted.stage]
    match wanted.stage:
        case None:
            which: list[ColumnElement[bool]] = []
        case Stage.WAITING:
            which = [_WAITS]
        case Stage.DRAFT:
            which = [Campaign.stored_state == CampaignState.DRAFT, ~_WAITS]
        case _:
            which = [Campaign.stored_state.in_(states)]
    if wanted.kind is Kind.ARTICLE or wanted.stage in (Stage.SERIES, Stage.ARCHIVE):
        return []
    changed = case((Article.updated_at > Campaign.created_at, Article.updated_at), else_=Campaign.created_at)
    at = func.coalesce(Campaign.launched_at, Campaign.scheduled_at, changed).label("at")
    look = select(literal(Kind.CAMPAIGN.value).label("kind"), Campaign.id.label("id"), at)
    return [look.join(Article, Article.id == Campaign.article_id).where(_SHOWN, *which, *_narrowed(wanted))]


def _rows_of_articles(session: Session, ids: Collection[int]) -> dict[tuple[Kind, int], Row]:
    if not ids:
        return {}
    look = select(Article).where(Article.id.in_(ids)).options(joinedload(Article.topic))
    steps = _steps(session, ids)
    went = select(Campaign.article_id, func.max(Campaign.launched_at)).where(Campaign.article_id.in_(ids))
    sent = dict(session.execute(went.group_by(Campaign.article_id)).all())
    return {
        (Kind.ARTICLE, one.id): Row(article=one, steps=steps.get(one.id, ()), sent_at=sent.get(one.id))
        for one in session.scalars(look)
    }


def _steps(session: Session, ids: Collection[int]) -> dict[int, list[StepOf]]:
    """The places of these articles in series, by article id. Deleted steps have no number."""
    number = func.row_number().over(partition_by=Step.sequence_id, order_by=(Step.position, Step.id)).label("number")
    placed = select(Step.article_id, Step.sequence_id, number).where(Step.deleted_at.is_(None)).subquery()
    look = select(placed.c.article_id, placed.c.number, Series.id, Series.name, Series.live)
    look = look.join(Series, Series.id == placed.c.sequence_id).where(placed.c.article_id.in_(ids))
    found: dict[int, list[StepOf]] = {}
    for article, place, id, name, live in session.execute(look.order_by(Series.id)):
        found.setdefault(article, []).append(StepOf(series_id=id, series=name, number=place, live=live))
    return found


def _rows_of_campaigns(session: Session, ids: Collection[int]) -> dict[tuple[Kind, int], Row]:
    if not ids:
        return {}
    asked = select(Approval).where(Approval.campaign_id.in_(ids), Approval.state == ApprovalState.WAITING)
    waiting = {one.campaign_id: one for one in session.scalars(asked.options(joinedload(Approval.asked_by)))}
    loads = (
        joinedload(Campaign.article).joinedload(Article.topic), joinedload(Campaign.dispatch),
        joinedload(Campaign.saved_segment),
    )  # fmt: skip
    look = select(Campaign).where(Campaign.id.in_(ids)).options(*loads)
    return {
        (Kind.CAMPAIGN, one.id): Row(article=one.article, campaign=one, approval=waiting.get(one.id))
        for one in session.scalars(look)
    }
