"""Articles that everybody may read: in the archive and the feed, those that can be put together, and no others."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from newsletter import brand
from newsletter.articles import Article
from newsletter.mail.render import BadArticle, Content
from newsletter.sequences import Sequence, Step
from newsletter.web.state import runtime

log = structlog.get_logger()


def newest(session: Session, at: datetime, limit: int) -> list[Article]:
    """Public articles, the newest first. One whose text cannot be put together is left out; the dashboard says so."""
    rows = session.scalars(
        select(Article)
        .where(Article.published_at.is_not(None), Article.published_at <= at)
        .order_by(Article.published_at.desc(), Article.id)
        .limit(limit)
        .options(selectinload(Article.revisions))
    )
    return [one for one in rows if not runtime().renderer.problem(words_of(one))]


def entries(session: Session, at: datetime, limit: int) -> list[tuple[Article, str]]:
    """The newest with their HTML."""
    made = []
    for one in newest(session, at, limit):
        try:
            made.append((one, html(session, one)))
        except BadArticle as error:
            log.warning("article is left out", article=one.id, error=str(error))
    return made


def words_of(article: Article) -> Content:
    """Its words as they stand now."""
    current = article.current
    return Content(current.subject, current.preheader, current.body)


def html(session: Session, article: Article) -> str:
    """An article as a page shows it. Raises BadArticle."""
    series = session.scalar(
        select(Sequence.guide_slug)
        .join(Step, Step.sequence_id == Sequence.id)
        .where(Step.article_id == article.id)
        .limit(1)
    )
    home = runtime().settings.site
    guide = f"{home}/guides/{series}" if series else home
    return runtime().renderer.article_page(words_of(article), brand.current(session), guide).html
