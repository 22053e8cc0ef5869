"""The ledger's stage: messages to the same few people, and a look at a row."""

from collections.abc import Callable

import pytest

from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Message
from newsletter.subscribers import Stream, Subscriber


@pytest.fixture
def queued(database: Database, clock: FixedClock, person: Callable[..., int]) -> Callable[..., int]:
    """Queues a message and gives its id: queued("jane@example.com", Stream.STEP)."""

    def made(email: str = "jane@example.com", stream: Stream = Stream.GUIDE, key: str = "") -> int:
        id = person(email)
        with database.transaction() as session:
            to = session.get_one(Subscriber, id)
            message, _ = ledger.queue(session, to, stream, key or f"{stream}:1", clock.now())
            return message.id

    return made


@pytest.fixture
def row(database: Database) -> Callable[[int], Message]:
    """A message as it stands now."""

    def read(id: int) -> Message:
        with database.reading() as session:
            return session.get_one(Message, id)

    return read
