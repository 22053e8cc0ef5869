"""Migration 0230: imports that were made stay, and one that was begun brings those who are here nothing new."""

from sqlalchemy import inspect, select

from newsletter import schema
from newsletter.imports import Import, ImportState
from newsletter.imports.for_known import ForKnown
from newsletter.imports.record import begin
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0220"
FRESH = {"headed", "fills_known", "overwrites_known"}


def test_imports_go_down_and_up_again(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        begun = begin(session, "list.csv", NOON, ImportState.ASKING)
        begun.headed = False
        begin(session, "done.csv", NOON, ImportState.DONE).overwrites_known = True
    with database.reading() as session:
        rows = session.scalars(select(Import).order_by(Import.id)).all()
        assert [one.for_known for one in rows] == [ForKnown.FILL, ForKnown.OVERWRITE]
    back_to(BEFORE, database)
    assert not FRESH & {one["name"] for one in inspect(database.engine).get_columns("imports")}
    schema.upgrade(database)
    with database.reading() as session:
        rows = session.scalars(select(Import).order_by(Import.id)).all()
        assert [(one.name, one.headed, one.for_known) for one in rows] == [
            ("list.csv", None, ForKnown.LEAVE), ("done.csv", None, ForKnown.LEAVE),
        ]  # fmt: skip
