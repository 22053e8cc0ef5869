"""Who may go on with an import: in an installation that was restored or copied, nobody by themselves."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import installation
from newsletter.clock import FixedClock
from newsletter.imports import Import, ImportState
from newsletter.imports.lease import HELD
from newsletter.imports.mapping import Meaning
from newsletter.imports.record import begin
from newsletter.imports.uploads import Upload
from newsletter.installation import LockReason
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber


@pytest.mark.parametrize("state", [ImportState.RUNNING, ImportState.UNDOING])
def test_what_was_under_way_before_a_restore_waits_for_a_press(
    runtime: Runtime, clock: FixedClock, state: ImportState
) -> None:
    upload = Upload.keep(runtime.uploads, io.BytesIO(b"email\na@example.com\n"))
    with runtime.database.transaction() as session:
        it = begin(session, "a.csv", clock.now(), ImportState.READY, token=upload.token, size=upload.size)
        it.meanings = [Meaning("email").as_json()]
        it.start(clock.now())
        it.state = state
        clock.forward(timedelta(minutes=1))
        installation.current(session).lock(LockReason.RESTORED, 0, None, clock.now())
    runtime.go_on_with_imports(lambda: False)
    with runtime.database.transaction() as session:
        it = session.get_one(Import, it.id)
        assert (it.state, it.problem) == (ImportState.STOPPED, HELD) and it.may_be_undone(clock.now())
        assert session.scalars(select(Subscriber)).all() == []
        it.go_on(clock.now())
    runtime.go_on_with_imports(lambda: False)
    with runtime.database.reading() as session:
        assert session.get_one(Import, it.id).state is ImportState.DONE
