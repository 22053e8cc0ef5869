"""Migration 0377: what was fetched goes and comes back empty; the articles it stood in stay."""

from sqlalchemy import inspect, select

from newsletter import link_checks, schema
from newsletter.articles import Article
from newsletter.link_checks import CheckedLink
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to


def test_checked_links_go_down_and_up_again_beside_articles(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        before = session.scalars(select(Article.id)).all()
        assert before and link_checks.ask(session, ["https://example.org/"], NOON) == 1
    back_to("0374", database)
    assert "checked_links" not in inspect(database.engine).get_table_names()
    schema.upgrade(database)
    with database.transaction() as session:
        assert session.scalars(select(Article.id)).all() == before
        assert session.scalars(select(CheckedLink)).all() == []
        assert link_checks.ask(session, ["https://example.org/"], NOON) == 1
