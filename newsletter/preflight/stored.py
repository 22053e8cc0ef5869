"""Finds articles in use that cannot be made into a mail: written under older rules, or edited in the database."""

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail.contents import content_of
from newsletter.mail.render import Renderer
from newsletter.sequences import Step

WAITING = (CampaignState.DRAFT, CampaignState.SCHEDULED)


def unfit(session: Session, renderer: Renderer) -> list[tuple[Article, str]]:
    """(article, problem) of each that is public, in a series or in a campaign that has not begun."""
    used = or_(
        Article.published_at.is_not(None),
        Article.id.in_(select(Step.article_id).where(Step.deleted_at.is_(None))),
        Article.id.in_(select(Campaign.article_id).where(Campaign.stored_state.in_(WAITING))),
    )
    rows = session.scalars(select(Article).where(used).order_by(Article.id).options(joinedload(Article.newest)))
    seen = ((one, content_of(session, one.current)) for one in rows)
    return [(one, problem) for one, words in seen if (problem := renderer.problem(words))]
