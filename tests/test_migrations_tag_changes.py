"""Migration 0262: taken back, tags stay as they are."""

from sqlalchemy import inspect, select, true

from newsletter import schema
from newsletter.bulk_actions import TagChange, change_tag
from newsletter.subscribers import Subscriber, with_tag
from tests.bulk_actions.conftest import Crowd, crowd
from tests.test_migrations import back_to

__all__ = ["crowd"]


def test_there_and_back(crowd: Crowd) -> None:
    database = crowd.runtime.database
    with database.transaction() as session:
        change_tag(session, "spring", true(), crowd.clock.now(), gives=True, owner_id=None)
    back_to("0261", database)
    assert {"tag_changes", "tag_change_people"}.isdisjoint(inspect(database.engine).get_table_names())
    schema.upgrade(database)
    with database.reading() as session:
        assert session.scalars(select(TagChange)).all() == []
        assert len(session.scalars(select(Subscriber.id).where(with_tag("spring"))).all()) == 8
