"""Migrations 0290 and on: articles stay, and know of no source; feeds begin with none."""

from sqlalchemy import inspect, select

from newsletter import articles, schema
from newsletter.articles import Article
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0250"


def test_articles_keep_their_words_and_lose_their_source(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        id = articles.write(session, NOON, title="A", subject="B", body="C", source_url="https://blog.example/a").id
    back_to(BEFORE, database)
    assert "source_url" not in {one["name"] for one in inspect(database.engine).get_columns("articles")}
    schema.upgrade(database)
    with database.reading() as session:
        article = session.scalars(select(Article).where(Article.id == id)).one()
        assert (article.title, article.current.body, article.source_url) == ("A", "C", "")
