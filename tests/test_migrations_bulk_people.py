"""Migration 0261: an erasing that is under way ends, either way; what else is under way goes on."""

from datetime import timedelta

from sqlalchemy import inspect, select

from newsletter import schema
from newsletter.bulk_actions import ActionKind, ActionState, BulkAction
from tests.bulk_actions.conftest import Crowd, crowd
from tests.test_migrations import back_to

__all__ = ["crowd"]


def test_there_and_back(crowd: Crowd) -> None:
    database = crowd.runtime.database
    ids = [crowd.begin(kind) for kind in (ActionKind.ERASE, ActionKind.STOP_SERIES, ActionKind.ERASE)]
    with database.transaction() as session:
        half = session.get_one(BulkAction, ids[2])
        half.state, half.looked_at = ActionState.STOPPED, 3
    back_to("0250", database)
    assert "bulk_people" not in inspect(database.engine).get_table_names()
    schema.upgrade(database)
    with database.reading() as session:
        states = session.scalars(select(BulkAction.state).order_by(BulkAction.id)).all()
        assert states == [ActionState.CALLED_OFF, ActionState.WAITING, ActionState.DONE]
    crowd.work(timedelta(minutes=1))
    assert len(crowd.addresses()) == 8 and crowd.enrolled() == []
