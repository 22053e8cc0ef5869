"""The series' stage: a short series, people in it, and days that pass."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter import articles, sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Delay, Enrollment, Sequence
from newsletter.smtp import SentList
from newsletter.subscribers import Subscriber
from tests.conftest import NOON

ZONE = "Europe/London"


@pytest.fixture
def series(database: Database) -> Callable[..., int]:
    """Makes a series and gives its id: series("1 day", "12 hours"); its articles are called A, B, C …"""

    def made(*delays: str, slug: str = "short") -> int:
        with database.transaction() as session:
            sequence = Sequence(slug=slug, name=slug, guide_slug="exercise-at-50", live=True, created_at=NOON)
            session.add(sequence)
            for letter, delay in zip("ABCDEFGH", delays, strict=False):
                title = f"{slug} {letter}"
                article = articles.write(session, NOON, title=title, subject=title, body="Turn both ways.")
                sequence.append(article, Delay.parse(delay))
            session.flush()
            return sequence.id

    return made


@pytest.fixture
def enrolled(database: Database, clock: FixedClock) -> Callable[[int, int], int | None]:
    """Enrolls a person and gives the enrollment's id, None where they were not taken."""

    def enroll(subscriber: int, sequence: int) -> int | None:
        with database.transaction() as session:
            who, what = session.get_one(Subscriber, subscriber), session.get_one(Sequence, sequence)
            made = sequences.enroll(session, who, what, ZONE, clock.now())
            return made.id if made else None

    return enroll


@pytest.fixture
def enrollment(database: Database) -> Callable[[int], Enrollment]:
    """An enrollment as it stands now."""

    def read(id: int) -> Enrollment:
        with database.reading() as session:
            return session.get_one(Enrollment, id)

    return read


@pytest.fixture
def tick(runtime: Runtime, clock: FixedClock, sent: SentList) -> Callable[..., list[str]]:
    """Lets time pass, turns the trigger, and tells the subjects that went out: tick(days=1)."""

    def advance() -> None:
        with runtime.database.transaction() as session:
            sequences.advance_due(session, clock.now(), ZONE)

    def pass_time(**by: float) -> list[str]:
        before = len(sent.envelopes)
        clock.forward(timedelta(**by))
        advance()
        while runtime.delivery.run(Lane.BULK):
            pass
        advance()
        lines = [one.data.split(b"\r\n") for one in sent.envelopes[before:]]
        return [line[9:].decode() for mail in lines for line in mail if line.startswith(b"Subject: ")]

    return pass_time
