"""A request that PostgreSQL breaks off, to end a deadlock or for want of a row, is served once more."""

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError

from newsletter.runtime import Runtime
from newsletter.web import TRIES, Site
from newsletter.web.state import WebState, transaction
from tests.conftest import InlineTrigger

BROKEN = OperationalError("UPDATE …", {}, psycopg.errors.DeadlockDetected())
AWAY = OperationalError("UPDATE …", {}, psycopg.errors.AdminShutdown())
GONE = IntegrityError("INSERT …", {}, psycopg.errors.ForeignKeyViolation())
DOUBLE = IntegrityError("INSERT …", {}, psycopg.errors.UniqueViolation())


@pytest.fixture
def served(runtime: Runtime) -> Callable[[list[Exception], bool], tuple[int, int]]:
    """Serves one request whose view fails with these errors, one after the other: (how often it ran, the status)."""

    def serve(errors: list[Exception], store: bool = False) -> tuple[int, int]:
        site, runs = Site("test"), []
        site.extensions["newsletter"] = WebState(runtime, InlineTrigger(runtime))

        @site.post("/")
        def view() -> str:
            runs.append(1)
            if store:
                with transaction():
                    pass
            if len(runs) <= len(errors):
                raise errors[len(runs) - 1]
            return "done"

        status = site.test_client().post("/").status_code
        return len(runs), status

    return serve


def test_what_was_broken_off_is_served_again(served: Callable[..., tuple[int, int]]) -> None:
    assert served([BROKEN]) == (2, 200)
    assert served([BROKEN, BROKEN]) == (3, 200)


def test_what_refers_to_a_row_that_was_deleted_in_this_moment_is_served_again(
    served: Callable[..., tuple[int, int]],
) -> None:
    assert served([GONE]) == (2, 200)
    assert served([GONE], True) == (1, 500)
    assert served([DOUBLE]) == (1, 500)


def test_not_for_ever(served: Callable[..., tuple[int, int]]) -> None:
    assert served([BROKEN] * 10) == (TRIES, 500)


def test_not_what_has_stored_something_already(served: Callable[..., tuple[int, int]]) -> None:
    assert served([BROKEN], True) == (1, 500)


def test_not_when_the_database_is_away(served: Callable[..., tuple[int, int]]) -> None:
    assert served([AWAY]) == (1, 500)
