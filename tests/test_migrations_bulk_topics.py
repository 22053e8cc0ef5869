"""Migration 0295: a topic may be taken from many, and the version before forgets that it was asked for."""

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import schema
from newsletter.bulk_actions import ActionKind, BulkAction
from newsletter.bulk_actions.person import BulkPerson
from tests.bulk_actions.conftest import Crowd, crowd
from tests.test_migrations import back_to

__all__ = ["crowd"]


def test_there_and_back(crowd: Crowd) -> None:
    database = crowd.runtime.database
    crowd.begin(ActionKind.LEAVE_TOPIC)
    kept = crowd.begin(ActionKind.ERASE)
    back_to("0291", database)
    assert "topic_id" not in {one["name"] for one in inspect(database.engine).get_columns("bulk_actions")}
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text("UPDATE bulk_actions SET kind = 'leave-topic'"))
    schema.upgrade(database)
    with database.reading() as session:
        assert session.scalars(select(BulkAction.id)).all() == [kept]
        assert session.scalar(select(func.count()).select_from(BulkPerson)) == 8, "whom it is for is still known"
    crowd.begin(ActionKind.LEAVE_TOPIC)
