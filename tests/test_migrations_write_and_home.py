"""Migration 0379: with data, down and up again."""

import pytest
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import IntegrityError

from newsletter import accounts, schema
from newsletter.accounts import AuditEntry
from newsletter.bulk_actions import ActionKind, BulkAction, People
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0374"
INDEXES = {"audit": {"ix_audit_owner", "ix_audit_action"}, "events": {"ix_events_readers"},
           "guide_requests": {"ix_guide_requests_requested_at"}}  # fmt: skip


def test_it_goes_down_and_up_with_data(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        accounts.note(
            session, None, NOON, "brand saved", "name", changes=accounts.differing({"name": "A"}, {"name": "B"})
        )
        for kind in (ActionKind.REMIND, ActionKind.ERASE):
            BulkAction.begin(session, People(), NOON, kind=kind, owner_id=None)
    back_to(BEFORE, database)
    found = inspect(database.engine)
    assert "changes" not in {one["name"] for one in found.get_columns("audit")}
    for table, names in INDEXES.items():
        assert not names & {one["name"] for one in found.get_indexes(table)}
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT kind FROM bulk_actions")).scalars().all() == ["erase"]
    with pytest.raises(IntegrityError), database.engine.begin() as connection:
        connection.execute(text("UPDATE bulk_actions SET kind = 'remind'"))
    schema.upgrade(database)
    found = inspect(database.engine)
    for table, names in INDEXES.items():
        assert names <= {one["name"] for one in found.get_indexes(table)}
    with database.transaction() as session:
        [entry] = session.scalars(select(AuditEntry)).all()
        assert (entry.action, entry.changes) == ("brand saved", None)
        BulkAction.begin(session, People(), NOON, kind=ActionKind.REMIND, owner_id=None)
