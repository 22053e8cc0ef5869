"""Migration 0120: taken back, no part of a test goes to everybody, and what was sent stays sent."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, text

from newsletter import campaigns, schema
from newsletter.campaigns import ABTest, Campaign, Part
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from tests.campaigns.conftest import Stage, stage  # noqa: F401 - a fixture
from tests.test_migrations import back_to


def _states(runtime: Runtime) -> list[tuple[str, str | None]]:
    look = text(
        "SELECT campaigns.state, dispatches.hold FROM campaigns LEFT JOIN dispatches "
        "ON dispatches.id = campaigns.dispatch_id WHERE campaigns.id > 1 ORDER BY campaigns.id"
    )
    with runtime.database.engine.connect() as connection:
        return [(state, hold) for state, hold in connection.execute(look)]


@pytest.mark.parametrize("begun", ["draft", "scheduled", "launched", "sent", "decided"])
def test_there_and_back(stage: Callable[..., Stage], runtime: Runtime, begun: str) -> None:  # noqa: F811
    it = stage()
    if begun != "draft":
        it.schedule()
    if begun == "launched":
        with runtime.database.transaction() as session:
            campaigns.launch_due(session, it.clock.now())
    if begun in ("sent", "decided"):
        it.beat()
    if begun == "decided":
        it.choose(Part.B)
    gone = len(it.sent.envelopes)
    back_to("0150", runtime.database)
    cancelled = ("cancelled", "cancelled" if begun == "launched" else None)
    sent = ("sent", "open")
    assert _states(runtime) == {
        "sent": [sent, sent], "decided": [sent, sent, ("cancelled", None)]
    }.get(begun, [cancelled, cancelled])  # fmt: skip
    schema.upgrade(runtime.database)
    it.beat()
    assert len(it.sent.envelopes) == gone and not runtime.delivery.run(Lane.BULK)
    with runtime.database.reading() as session:
        assert session.scalars(select(ABTest)).all() == []
        assert not any(session.scalars(select(Campaign.part)))
