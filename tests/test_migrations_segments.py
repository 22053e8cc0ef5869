"""Migration 0050: taken back, a campaign to a segment goes to nobody more."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, text

from newsletter import articles, campaigns, schema
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import segments
from newsletter.subscribers.segments import Rules
from newsletter.subscribers.segments.rules import Called
from tests.conftest import NOON
from tests.test_migrations import back_to


@pytest.fixture
def three(runtime: Runtime, person: Callable[..., int]) -> tuple[int, int, int]:
    """A draft, one that is scheduled, and one that goes out and has written down one of its two recipients."""
    for name in ("jane", "joe", "ann"):
        person(f"{name}@example.com")
    with runtime.database.transaction() as session:
        saved = segments.save(session, "J", Rules(Called("j")), NOON)
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.")
        made = [Campaign(article=article, created_at=NOON, saved_segment=saved) for _ in range(3)]
        made[2].stored_state, made[2].scheduled_at = CampaignState.SCHEDULED, NOON
        session.add_all(made)
        session.flush()
        campaigns.launch_due(session, NOON)
        made[1].stored_state, made[1].scheduled_at = CampaignState.SCHEDULED, NOON
        assert campaigns.fill_next(session, NOON, 1)
        return made[0].id, made[1].id, made[2].id


def test_there_and_back(three: tuple[int, int, int], runtime: Runtime) -> None:
    database = runtime.database
    back_to("0070", database)
    with database.engine.connect() as connection:
        states = connection.execute(text("SELECT state FROM campaigns WHERE id IN (:a, :b, :c) ORDER BY id"),
                                    dict(zip("abc", three, strict=True))).scalars().all()  # fmt: skip
    assert states == ["cancelled", "cancelled", "sending"]
    schema.upgrade(database)
    with database.transaction() as session:
        assert segments.every(session) == []
        assert campaigns.planned(session) == []
        assert not campaigns.fill_next(session, NOON)  # nobody who was not in the segment
        assert len(session.scalars(select(Message.id).where(Message.dispatch_id.is_not(None))).all()) == 1
