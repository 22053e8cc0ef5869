"""Migrations 0375 and 0376: taken back, a campaign that leaves somebody out goes to nobody more."""

from collections.abc import Callable

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


def test_there_and_back(runtime: Runtime, person: Callable[..., int]) -> None:
    for name in ("jane", "joe", "ann", "bob"):
        person(f"{name}@example.com")
    with runtime.database.transaction() as session:
        saved = segments.save(session, "B", Rules(Called("bob")), NOON)
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.")
        made = [Campaign(article=article, created_at=NOON) for _ in range(5)]
        made[0].left_out, made[1].leaves_out_had, made[2].one_a_day = [saved], True, True
        made[3].left_out = [saved]
        made[3].stored_state, made[3].scheduled_at = CampaignState.SCHEDULED, NOON
        session.add_all(made)
        session.flush()
        campaigns.launch_due(session, NOON)
        assert campaigns.fill_next(session, NOON, 1)
    database = runtime.database
    back_to("0374", database)
    with database.engine.connect() as connection:
        states = connection.execute(text("SELECT state FROM campaigns ORDER BY id")).scalars().all()
    assert states[-5:] == ["cancelled", "cancelled", "cancelled", "sending", "draft"]
    schema.upgrade(database)
    with database.transaction() as session:
        assert not campaigns.fill_next(session, NOON), "nobody who was left out"
        assert len(session.scalars(select(Message.id).where(Message.dispatch_id.is_not(None))).all()) == 1
        kept = session.scalars(select(Campaign).order_by(Campaign.id)).all()[-5:]
        assert not any(one.left_out or one.leaves_out_had or one.one_a_day for one in kept)
