"""Nine readers: three asked for a guide and are in its series, three only read, one has left, one is not confirmed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import bulk_actions, jobs, journey, sequences
from newsletter.bulk_actions import ActionKind, BulkAction, People
from newsletter.bulk_actions.record import GRACE, SENDING
from newsletter.clock import FixedClock
from newsletter.events import By, Press
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import Subscriber
from newsletter.topics import Topic

ASKED = ("ann@example.com", "ben@example.com", "cid@example.com")
OTHERS = ("dan@example.com", "eve@example.com", "fay@example.com")


@dataclass
class Crowd:
    """They, and what may be done for them."""

    runtime: Runtime
    clock: FixedClock
    guide_id: int
    series_id: int
    topic_id: int = 1

    def begin(self, kind: ActionKind, people: People | None = None) -> int:
        """Ask for it, as the page does."""
        with self.runtime.database.transaction() as session:
            guide = session.get_one(Guide, self.guide_id) if kind in SENDING else None
            series = session.get_one(Sequence, self.series_id) if kind is ActionKind.STOP_SERIES else None
            topic = session.get_one(Topic, self.topic_id) if kind is ActionKind.LEAVE_TOPIC else None
            made = BulkAction.begin(
                session, people or People(), self.clock.now(), kind=kind, owner_id=None, guide=guide, sequence=series,
                topic=topic,
            )  # fmt: skip
            return made.id

    def work(self, after: timedelta = GRACE) -> None:
        """A worker's turn, when the grace is over."""
        self.clock.forward(after)
        jobs.go_on_with_bulk_actions(self.runtime, lambda: False)

    def action(self, id: int) -> BulkAction:
        """As it stands."""
        with self.runtime.database.reading() as session:
            return session.get_one(BulkAction, id)

    def reach(self, kind: ActionKind, people: People | None = None) -> tuple[int, int]:
        """The dry run."""
        with self.runtime.database.reading() as session:
            return bulk_actions.reach(
                session, people or People(), self.clock.now(), kind=kind, guide=session.get_one(Guide, self.guide_id),
                sequence=session.get_one(Sequence, self.series_id), topic=session.get_one(Topic, self.topic_id),
            )  # fmt: skip

    def addresses(self) -> set[str]:
        """Who is there."""
        with self.runtime.database.reading() as session:
            return set(session.scalars(select(Subscriber.email)))

    def enrolled(self) -> list[str]:
        """Who is in the series, by address."""
        live = Enrollment.status.in_(sequences.enrollment.LIVE)
        with self.runtime.database.reading() as session:
            look = select(Subscriber.email).join(Enrollment, Enrollment.subscriber_id == Subscriber.id).where(live)
            return sorted(session.scalars(look))


@pytest.fixture
def crowd(runtime: Runtime, clock: FixedClock, person: Callable[..., int]) -> Crowd:
    """They, an hour after the last of them came."""
    for email in (*ASKED, *OTHERS, "lou@example.com"):
        person(email)
    person("pip@example.com", confirmed=False)
    with runtime.database.transaction() as session:
        guide = session.scalars(select(Guide).order_by(Guide.position)).first()
        assert guide is not None
        series = session.scalars(select(Sequence).where(Sequence.guide_slug == guide.slug)).one()
        every = {one.email: one for one in session.scalars(select(Subscriber))}
        for email in (*ASKED, "lou@example.com"):
            press = Press(By.PAGE, "Yes, send it")
            assert journey.request_guide(session, runtime, every[email], guide, press, clock.now(), series=True)
        journey.unsubscribe(session, every["lou@example.com"], clock.now(), goodbye=False)
        made = Crowd(runtime, clock, guide.id, series.id)
    clock.forward(timedelta(hours=1))
    return made
