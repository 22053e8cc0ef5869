"""Taking away what came with the product: all that nothing refers to is deleted, the rest is hidden or left."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign
from newsletter.examples.listed import forms_of, listed
from newsletter.examples.planted import ARTICLES, GUIDES, TOPICS, Example, Kind, going
from newsletter.forms import Form
from newsletter.guides import Files, Guide
from newsletter.sequences import Sequence, Step, switch_off
from newsletter.topics import Topic


def remove(session: Session, files: Files, now: datetime, *, guides: bool,
           seen: str | None = None) -> list[Example] | None:  # fmt: skip
    """Take away what can go; what went. None, and nothing has changed: it is not what was `seen` (`going`) any more.

    Articles, drafts of campaigns and steps are deleted, for nothing refers to them. A series stays behind its guide,
    empty and switched off, as a new guide has one; topics are archived. `guides`: hide them too, and close their forms.
    """
    _lock(session)
    found = listed(session, files)
    if seen is not None and seen != going(found):
        return None
    taken = [one for one in found if one.stays is None and (guides or one.kind is not Kind.GUIDE)]
    ids = {kind: [one.id for one in taken if one.kind is kind] for kind in Kind}
    for sequence in session.scalars(select(Sequence).where(Sequence.id.in_(ids[Kind.SERIES])).order_by(Sequence.id)):
        switch_off(session, sequence, now)
    _delete(session, Step, Step.sequence_id.in_(ids[Kind.SERIES]))
    _delete(session, Campaign, Campaign.id.in_(ids[Kind.CAMPAIGN]))
    _delete(session, Revision, Revision.article_id.in_(ids[Kind.ARTICLE]))
    _delete(session, Article, Article.id.in_(ids[Kind.ARTICLE]))
    for topic in session.scalars(select(Topic).where(Topic.id.in_(ids[Kind.TOPIC]))):
        topic.archive(now)
    for guide in session.scalars(select(Guide).where(Guide.id.in_(ids[Kind.GUIDE]))):
        guide.hidden = True
        for form in session.scalars(forms_of(guide)):
            form.archive(now)
    return taken


def _delete(session: Session, kind: type[Any], condition: Any) -> None:
    session.execute(delete(kind).where(condition).execution_options(synchronize_session=False))


def _lock(session: Session) -> None:
    """Whoever would begin to use one of these waits, and then finds it gone; whoever has begun is seen."""
    rows: tuple[tuple[type[Any], Any], ...] = (
        (Sequence, Sequence.slug.in_(GUIDES)),
        (Campaign, Campaign.article_id.in_(select(Article.id).where(Article.slug.in_(ARTICLES)))),
        (Article, Article.slug.in_(ARTICLES)), (Guide, Guide.slug.in_(GUIDES)), (Form, Form.slug.in_(GUIDES)),
        (Topic, Topic.name.in_(TOPICS)),
    )  # fmt: skip
    for kind, condition in rows:
        session.execute(select(kind.id).where(condition).order_by(kind.id).with_for_update())
