"""Migration 0090: nothing is counted before the owner wants it, and there and back nothing else is lost."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, text

from newsletter import brand, schema
from newsletter.articles import Article
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.events import Event
from newsletter.feedback import Hit, clicked
from newsletter.mail.ledger import Message
from newsletter.mail.render.counted import Destination
from newsletter.resend import resend
from newsletter.runtime import Runtime
from tests.clicking import LATER, ONE, count_clicks, held, send_campaign
from tests.conftest import NOON
from tests.test_migrations import back_to


def test_there_and_back(runtime: Runtime, person: Callable[..., int]) -> None:
    person("jane@example.com")
    count_clicks(runtime)
    send_campaign(runtime)
    with runtime.database.transaction() as session:
        id, revision = session.execute(select(Message.id, Message.revision_id)).one()
        clicked(session, [Hit(id, Destination(ONE, 3, revision), NOON + LATER, False)], NOON + LATER)
    assert len(held(runtime)) == 1
    back_to("0101", runtime.database)
    with runtime.database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM messages")).scalar() == 1
    schema.upgrade(runtime.database)
    assert held(runtime) == set()
    with runtime.database.reading() as session:
        house = brand.current(session)
        assert not house.counts_clicks and not house.has_counted_clicks
        assert all(session.scalars(select(Article.counts_clicks)))
        assert not any(session.scalars(select(Campaign.counted_clicks)))
        assert not any(session.scalars(select(Event.message_id)))


def test_taken_back_a_draft_once_more_is_called_off(
    runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    person("jane@example.com")
    count_clicks(runtime)
    id = send_campaign(runtime)
    clock.forward(timedelta(days=3))
    with runtime.database.transaction() as session:
        again = resend(session, session.get_one(Campaign, id), "Another", clock.now()).id
    back_to("0090", runtime.database)
    with runtime.database.engine.connect() as connection:
        look = text("SELECT state FROM campaigns WHERE id = :id")
        assert connection.execute(look, {"id": again}).scalar() == "cancelled"
    schema.upgrade(runtime.database)
    with runtime.database.reading() as session:
        assert session.get_one(Campaign, id).stored_state is CampaignState.SENT
