"""Choices for rules: on the page of a segment, and above the list of people."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import topics
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.sequences import Sequence, Step
from newsletter.subscribers import Status, all_fields, all_tags
from newsletter.web.language import _
from newsletter.web.state import runtime
from newsletter.zones import known_zones

MOST = 100
"""Most campaigns offered, the newest."""


def choices(session: Session) -> dict[str, Any]:
    """The choices by kind: lists, or labels by submitted value."""
    sent = (
        select(Campaign.id, Article.title)
        .join(Article)
        .where(Campaign.launched_at.is_not(None))
        .order_by(Campaign.id.desc())
    )
    forms = session.execute(select(Form.id, Form.name).order_by(Form.id))
    guides = session.execute(select(Guide.slug, Guide.title).order_by(Guide.position, Guide.id))
    series = session.execute(select(Sequence.id, Sequence.name).order_by(Sequence.id))
    return {
        "statuses": list(Status), "tags": [name for name, _ in all_tags(session)],
        "guides": dict(guides.all()), "forms": {str(id): name for id, name in forms},
        "fields": {one.key: one for one in all_fields(session)},
        "campaigns": {str(id): f"{title} ({id})" for id, title in session.execute(sent.limit(MOST))},
        "topics": {str(one.id): one.name for one in topics.every(session)}, "zones": known_zones(),
        "languages": {one.code: one.name for one in runtime().languages.offered},
        "series": {str(id): name for id, name in series}, "steps": _steps(session),
    }  # fmt: skip


def _steps(session: Session) -> dict[str, str]:
    """The steps of every series, in order."""
    look = select(Step.id, Sequence.id, Sequence.name, Article.title).join(Step.sequence).join(Step.article)
    shown, numbers = {}, dict[int, int]()
    for id, series, name, title in session.execute(
        look.where(Step.deleted_at.is_(None)).order_by(Sequence.id, Step.position)
    ):
        numbers[series] = numbers.get(series, 0) + 1
        shown[str(id)] = _("%(series)s: step %(number)s, %(title)s", series=name, number=numbers[series], title=title)
    return shown
