"""Public articles, for the archive and the feed; those that cannot be rendered are left out."""

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from newsletter import brand
from newsletter.articles import Article
from newsletter.mail.contents import content_of
from newsletter.mail.render import BadArticle, Content
from newsletter.media import first_in
from newsletter.sequences import Sequence, Step
from newsletter.topics import Topic
from newsletter.web.state import runtime

log = structlog.get_logger()


def newest(session: Session, at: datetime, limit: int, topic: Topic | None = None) -> list[Article]:
    """Public articles, optionally of one topic, newest first.

    Leaves out those that cannot be rendered; the owner's dashboard lists them.
    """
    of_topic = [Article.topic_id == topic.id] if topic else []
    rows = session.scalars(
        select(Article)
        .where(Article.published_at.is_not(None), Article.published_at <= at, *of_topic)
        .order_by(Article.published_at.desc(), Article.id)
        .limit(limit)
        .options(joinedload(Article.newest), joinedload(Article.topic))
    )
    return [one for one in rows if not runtime().renderer.problem(words_of(session, one))]


def topics_read(session: Session, at: datetime) -> list[Topic]:
    """The open topics with public articles, in the owner's order."""
    about = (Article.topic_id == Topic.id, Article.published_at.is_not(None), Article.published_at <= at)
    look = select(Topic).where(Topic.archived_at.is_(None), select(Article.id).where(*about).exists())
    return list(session.scalars(look.order_by(Topic.position, Topic.id)))


def entries(session: Session, at: datetime, limit: int, topic: Topic | None = None) -> list[tuple[Article, str]]:
    """The newest articles with their HTML."""
    made = []
    for one in newest(session, at, limit, topic):
        try:
            made.append((one, html(session, one)))
        except BadArticle as error:
            log.warning("article is left out", article=one.id, error=str(error))
    return made


def summary(article: Article) -> str:
    """The article's preheader; "" if it contains merge fields."""
    words = article.current.preheader
    return "" if "{" in words else words


def picture(article: Article) -> tuple[str, str] | None:
    """The name and the words of the first picture in an article, as long as its file is there."""
    found = first_in(article.current.body)
    return found if found is not None and (runtime().media / found[0]).is_file() else None


def words_of(session: Session, article: Article) -> Content:
    """The article's current content."""
    return content_of(session, article.current)


def html(session: Session, article: Article) -> str:
    """The article as HTML for a page. Raises BadArticle."""
    series = session.scalar(
        select(Sequence.guide_slug)
        .join(Step, Step.sequence_id == Sequence.id)
        .where(Step.article_id == article.id)
        .limit(1)
    )
    home = runtime().settings.site
    guide = f"{home}/guides/{series}" if series else home
    return runtime().renderer.article_page(words_of(session, article), brand.current(session), guide).html
