"""Migration 0365: what SpamAssassin said goes and comes back empty; the campaign it was of stays."""

from sqlalchemy import inspect, select

from newsletter import schema
from newsletter.campaigns import Campaign
from newsletter.preflight import spam
from newsletter.preflight.spam import Scores
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to


def test_scores_go_down_and_up_again_beside_campaigns(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        id = session.scalars(select(Campaign.id).order_by(Campaign.id).limit(1)).one()
        assert spam.ask(session, Scores.CAMPAIGN, id, NOON)
    back_to("0351", database)
    assert "spam_scores" not in inspect(database.engine).get_table_names()
    schema.upgrade(database)
    with database.transaction() as session:
        assert session.get(Campaign, id) is not None and spam.score_of(session, Scores.CAMPAIGN, id) is None
        assert spam.ask(session, Scores.CAMPAIGN, id, NOON)
