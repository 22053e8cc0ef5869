"""Migration 0220: guides keep everything when their own pages come and go."""

from sqlalchemy import inspect, select

from newsletter import schema
from newsletter.guides import Block, Guide, Kind, LandingPage
from newsletter.runtime import Runtime
from tests.test_migrations import back_to

BEFORE = "0200"
PAGE = LandingPage(lead="Move again.", minutes=25, blocks=(Block(kind=Kind.SAMPLES, pages=(3, 5)),))


def test_guides_lose_their_own_pages_and_nothing_else(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        guides = session.scalars(select(Guide).order_by(Guide.id)).all()
        guides[0].landing = PAGE.as_json()
        titles = [one.title for one in guides]
    with database.reading() as session:
        kept = session.scalars(select(Guide).order_by(Guide.id)).all()
        assert [one.landing_page for one in kept] == [PAGE, *[None] * (len(kept) - 1)]
    back_to(BEFORE, database)
    assert "landing" not in {one["name"] for one in inspect(database.engine).get_columns("guides")}
    schema.upgrade(database)
    with database.transaction() as session:
        there = session.scalars(select(Guide).order_by(Guide.id)).all()
        assert [(one.title, one.landing) for one in there] == [(title, None) for title in titles]
        there[0].landing = PAGE.as_json()
