"""Migration 0381: editions go down and come up as the first, and the version before forgets that one was offered."""

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import schema
from newsletter.bulk_actions import ActionKind, BulkAction
from newsletter.guides import Guide, GuideRequest
from tests.bulk_actions.conftest import Crowd, crowd
from tests.test_migrations import back_to

__all__ = ["crowd"]


def test_there_and_back(crowd: Crowd) -> None:
    database = crowd.runtime.database
    with database.transaction() as session:
        session.get_one(Guide, crowd.guide_id).edition = 3
    crowd.begin(ActionKind.EDITION)
    kept = crowd.begin(ActionKind.ERASE)
    back_to("0380", database)
    for table in ("guides", "guide_requests"):
        assert "edition" not in {one["name"] for one in inspect(database.engine).get_columns(table)}
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text("UPDATE bulk_actions SET kind = 'edition'"))
    schema.upgrade(database)
    with database.reading() as session:
        assert session.scalars(select(BulkAction.id)).all() == [kept]
        assert set(session.scalars(select(Guide.edition))) == {1}
        assert list(session.scalars(select(GuideRequest.edition))) == [1] * 4
    crowd.begin(ActionKind.EDITION)
