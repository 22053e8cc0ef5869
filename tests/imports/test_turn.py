"""A worker's turn: what goes wrong is told, and a long file comes on."""

import errno
import io
from collections.abc import Callable

import pytest

from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.imports import Import, ImportState, Work, run
from tests.imports.conftest import ROWS
from tests.imports.test_work import counts, import_of


@pytest.mark.parametrize(
    ("error", "told"),
    [(OSError(errno.ENOSPC, "no space"), "The server's disk is full."), (KeyError("x"), "on the server (KeyError).")],
)
def test_what_nobody_thought_of_stops_it_says_so_and_can_be_tried_again(
    error: Exception, told: str, work: Work, ready: Callable[..., int], database: Database, clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    id = ready()
    with monkeypatch.context() as broken:
        broken.setattr(run.Run, "through", lambda *_: (_ for _ in ()).throw(error))
        assert work.turn() and not work.turn(), "it waits for its owner"
    it = import_of(database, id)
    assert it.state is ImportState.STOPPED and told in it.problem and it.lease_token is None
    assert it.may_be_undone(clock.now())
    with database.transaction() as session:
        session.get_one(Import, id).go_on(clock.now())
    assert work.turn()
    assert (import_of(database, id).state, counts(database)) == (ImportState.DONE, (ROWS, ROWS))


def test_the_slice_counts_from_the_first_batch_on(
    work: Work, ready: Callable[..., int], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, moments = ready(), [0.0]
    monkeypatch.setattr("newsletter.imports.work.time.monotonic", lambda: moments[0])
    real = run.Run.through

    def slowly(self: run.Run, file: io.BytesIO) -> object:
        moments[0] += 40.0  # as long as a large file is read for
        return real(self, file)

    monkeypatch.setattr(run.Run, "through", slowly)
    work.go_on(15.0)
    assert import_of(database, id).state is ImportState.DONE
