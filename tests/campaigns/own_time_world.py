"""People all over the world, and a campaign that goes to each of them at their own time."""

# ruff: noqa: DTZ001 - a local time as it is typed has no zone

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, update

from newsletter import articles, brand, campaigns, jobs
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Status, Subscriber
from tests.conftest import NOON

TUESDAY_NINE = datetime(2026, 6, 2, 9)
"""NOON is Monday, 1 June 2026, 12:00 UTC."""
TOKYO, LONDON, NEW_YORK, HONOLULU = "Asia/Tokyo", "Europe/London", "America/New_York", "Pacific/Honolulu"


class World:
    """A list of people all over the world, and a campaign."""

    def __init__(self, runtime: Runtime, clock: FixedClock, sent: SentList) -> None:
        self.runtime, self.clock, self.sent = runtime, clock, sent
        with runtime.database.transaction() as session:
            article = articles.write(session, clock.now(), title="Golf", subject="Golf", body="Turn both ways.")
            made = Campaign(article=article, created_at=clock.now())
            session.add(made)
            session.flush()
            self.id = made.id

    def add(self, zone: str | None, count: int = 1) -> list[int]:
        """People who live there."""
        with self.runtime.database.transaction() as session:
            newest = max(session.scalars(select(Subscriber.id)), default=0)
            ids = list(range(newest + 1, newest + count + 1))
            known = {"status": Status.CONFIRMED, "newsletter": True, "created_at": NOON, "confirmed_at": NOON}
            rows = [{"id": id, "email": f"p{id}@example.com", "email_key": f"p{id}@example.com"} for id in ids]
            session.execute(insert(Subscriber), [known | {"first_name": "", "zone": zone} | one for one in rows])
        return ids

    def move(self, id: int, zone: str | None) -> None:
        """Somebody lives elsewhere now."""
        with self.runtime.database.transaction() as session:
            session.execute(update(Subscriber).where(Subscriber.id == id).values(zone=zone))

    def schedule(self, wall: datetime = TUESDAY_NINE) -> None:
        """At everyone's own time."""
        with self.runtime.database.transaction() as session:
            campaign, now = session.get_one(Campaign, self.id), self.clock.now()
            campaigns.schedule_own_time(session, campaign, wall, brand.current(session), now, now)

    def beat(self) -> None:
        """One tick of everything."""
        jobs.launch_campaigns(self.runtime, lambda: False, lambda: None)
        while self.runtime.delivery.run(Lane.BULK):
            pass
        jobs.launch_campaigns(self.runtime, lambda: False, lambda: None)

    def pass_to(self, at: datetime, step: timedelta = timedelta(hours=1)) -> dict[int, datetime]:
        """Let the time pass until then, a beat at every step; who got it when."""
        while self.clock.now() < at:
            self.clock.forward(min(step, at - self.clock.now()))
            self.beat()
        return self.got()

    def got(self) -> dict[int, datetime]:
        """Who was sent it when."""
        with self.runtime.database.reading() as session:
            rows = session.execute(select(Message.subscriber_id, Message.settled_at).where(Message.state == State.SENT))
            return {id: at for id, at in rows if id and at}

    def do(self, verb: Callable[..., object], *more: object) -> None:
        """What the owner presses."""
        with self.runtime.database.transaction() as session:
            verb(session, session.get_one(Campaign, self.id), *more)

    def house(self) -> brand.Brand:
        """Whose newsletter it is."""
        with self.runtime.database.reading() as session:
            return brand.current(session)

    def found(self) -> Campaign:
        """As it stands."""
        with self.runtime.database.reading() as session:
            found = session.get_one(Campaign, self.id)
            _ = found.state
            return found

    def coming(self, id: int) -> list[datetime]:
        """When this person is told that it comes."""
        with self.runtime.database.reading() as session:
            return [one.at for one in campaigns.coming_to(session, session.get_one(Subscriber, id))]


@pytest.fixture
def world(runtime: Runtime, clock: FixedClock, sent: SentList) -> World:
    """An owner in London, and nobody yet."""
    return World(runtime, clock, sent)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of June 2026."""
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)
