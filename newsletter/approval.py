"""Approval: what somebody may not send or change by themselves, because it would reach readers."""

from sqlalchemy import exists, or_
from sqlalchemy.orm import Session

from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.db import holds
from newsletter.sequences import Step


def reaches_readers(session: Session, article: Article) -> bool:
    """Whether other words of this article would reach readers with nobody's further press.

    That is so while a campaign with it is scheduled, while it is a step of a series, and in the archive.
    """
    is_scheduled = exists().where(Campaign.article_id == article.id, Campaign.stored_state == CampaignState.SCHEDULED)
    is_step = exists().where(Step.article_id == article.id, Step.deleted_at.is_(None))
    return article.published_at is not None or holds(session, or_(is_scheduled, is_step))
