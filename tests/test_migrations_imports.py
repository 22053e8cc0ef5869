"""Migration 0110: imports come and go, and the people whom they brought stay."""

import io

from sqlalchemy import inspect, select

from newsletter import schema
from newsletter.imports import Import, ImportedPerson, ImportState, import_csv
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0140"


def test_imports_go_down_and_up_again_and_their_people_stay(runtime: Runtime) -> None:
    database = runtime.database
    text = io.BytesIO(b"email,status\njane@example.com,active\nbo@example.com,bounced\n")
    import_csv(database, text, "a sheet", runtime.secrets, NOON)
    back_to(BEFORE, database)
    assert {"imports", "imported_people"}.isdisjoint(inspect(database.engine).get_table_names())
    schema.upgrade(database)
    with database.reading() as session:
        assert len(session.scalars(select(Subscriber)).all()) == 2
        assert session.scalars(select(Import)).all() == [] and session.scalars(select(ImportedPerson)).all() == []
    import_csv(database, io.BytesIO(b"email\nann@example.com\n"), "a sheet", runtime.secrets, NOON)
    with database.reading() as session:
        assert session.scalars(select(Import.state)).all() == [ImportState.DONE]
