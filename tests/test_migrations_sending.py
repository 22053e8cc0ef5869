"""Migration 0340: what was looked at about sending goes and comes back empty; limits stay."""

from sqlalchemy import inspect

from newsletter import schema, sending
from newsletter.runtime import Runtime
from newsletter.sending import LookKind
from newsletter.throttle.rules import Rate, Scope, listed, put
from tests.conftest import NOON
from tests.test_migrations import back_to


def test_looks_go_down_and_up_again_beside_limits(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        put(session, Scope.ALL, "", Rate(5, 60), NOON)
        assert sending.ask(session, LookKind.DOMAIN, "", NOON)
    back_to("0330", database)
    assert "sending_looks" not in inspect(database.engine).get_table_names()
    schema.upgrade(database)
    with database.transaction() as session:
        assert list(sending.every(session)) == [] and [one.rate for one in listed(session)] == [Rate(5, 60)]
        assert sending.ask(session, LookKind.DOMAIN, "", NOON)
