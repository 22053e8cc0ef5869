"""Migration 0370: follow links go and come back empty; the brand they were of stays."""

from sqlalchemy import inspect

from newsletter import brand, schema
from newsletter.runtime import Runtime
from tests.test_migrations import back_to


def test_follow_links_go_down_and_up_again_beside_the_brand(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        house = brand.current(session)
        name, house.follow_urls = house.name, "https://www.instagram.com/kate"
    back_to("0365", database)
    assert "follow_urls" not in {one["name"] for one in inspect(database.engine).get_columns("brand")}
    schema.upgrade(database)
    with database.reading() as session:
        house = brand.current(session)
        assert (house.name, house.follow_urls, house.follow_links) == (name, "", [])
