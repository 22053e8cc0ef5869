"""The ledger alone: writing, claiming and recording messages, at the start and the end of a campaign."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bench import people, postgres
from bench.folders import ROOT, temporary
from bench.installation import Broken
from bench.report import Table, whole
from bench.run_size import Size
from newsletter import articles, brand, campaigns, schema, seeds
from newsletter.campaigns import Campaign
from newsletter.db import Database
from newsletter.mail.ledger import Lane, Message, Outcome, State, claim
from newsletter.mail.ledger.dispatch import Batch, BatchState
from newsletter.mail.ledger.queue import BATCH_SIZE

T = TypeVar("T")
CLAIMS = 2
"""Batches measured at the start, and again at the end."""
LIMIT = 500
"""Messages per claim outside batches; a batch is claimed whole."""
VERBS = ("claim", "finish")
"""The claim marks a batch as sending, and `finish` writes its outcomes and releases it."""
HEADS = ("recipients", "written rows/s", *(f"{verb} µs" for verb in VERBS), "all µs", "all µs at the end")


@dataclass
class Spent:
    """Wall-clock seconds by verb."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, verb: str) -> Iterator[None]:
        """Add the duration of the block."""
        begun = time.perf_counter()
        yield
        self.seconds[verb] = self.seconds.get(verb, 0.0) + time.perf_counter() - begun


def ledger(size: Size) -> list[Table]:
    """Wall-clock µs per message including commits, with a single process."""
    table = Table("The ledger: what a message costs in the database", HEADS)
    for name in ("PostgreSQL", "SQLite"):
        for number in size.growth:
            with empty(name) as (database, url):
                people.add(url, 1, number + 1)
                table.rows.append(_row(f"{name}, {whole(number)}", database, number))
    table.notes.append(
        f"Wall-clock µs a message with commits, one process alone, {CLAIMS} batches of {whole(BATCH_SIZE)} each. "
        "“At the end”: when all but the last batches have been sent."
    )
    return [table]


@contextmanager
def empty(name: str) -> Iterator[tuple[Database, str]]:
    """A new database of this kind, migrated and seeded, and its URL."""
    with ExitStack() as stack:
        if name == "PostgreSQL":
            url = stack.enter_context(postgres.server()).url
        else:
            url = f"sqlite:///{stack.enter_context(temporary('ledger'))}/ledger.sqlite3"
        database = Database(url.replace("postgresql:", "postgresql+psycopg:"))
        try:
            schema.upgrade(database)
            with database.transaction() as session:
                seeds.plant(session, ROOT, datetime.now(UTC))
            yield database, url
        finally:
            database.dispose()


def _row(name: str, database: Database, number: int) -> list[str]:
    writing, front, end = Spent(), Spent(), Spent()
    with writing.on("write"):
        _launch(database)
    sent = _deliver(database, front)
    _skip(database)
    sent_last = _deliver(database, end)
    if not sent or not sent_last:
        raise Broken("the ledger gave no message to a claim")
    verbs = [f"{front.seconds[verb] / sent * 1e6:.1f}" for verb in VERBS]
    totals = [f"{sum(spent.seconds.values()) / count * 1e6:.1f}" for spent, count in ((front, sent), (end, sent_last))]
    return [name, whole(number / writing.seconds["write"]), *verbs, *totals]


def _launch(database: Database) -> None:
    now = datetime.now(UTC)
    with database.transaction() as session:
        article = articles.write(session, now, title="Bench", subject="Bench", body="Bench")
        made = Campaign(article=article, created_at=now)
        session.add(made)
        made.schedule(now, brand.current(session))
    _in_one(database, lambda session: campaigns.launch_due(session, now))
    while _in_one(database, lambda session: campaigns.fill_next(session, now)):
        pass


def _deliver(database: Database, spent: Spent) -> int:
    """Claim and finish batches as delivery does, without SMTP; returns the number of messages."""
    count = 0
    for number in range(CLAIMS):
        now = datetime.now(UTC)
        token = f"bench-{time.monotonic_ns()}-{number}"
        claiming = partial(claim, lane=Lane.BULK, token=token, now=now, limit=LIMIT, mark=BATCH_SIZE)
        with spent.on("claim"):
            claimed = _in_one(database, claiming)
        if claimed is None:
            break
        ids = [message.id for message in claimed.messages]
        outcomes = [Outcome(id, State.SENT, 250, "2.0.0 Ok: taken", "sink") for id in ids]
        with spent.on("finish"):
            _in_one(database, partial(claimed.finish, outcomes=outcomes, now=now, unsent=(), not_before=None))
        count += len(ids)
    return count


def _skip(database: Database) -> None:
    """Mark all but the last batches as sent, leaving the rows that a claim has to skip."""
    with database.transaction() as session:
        last = session.scalars(select(Batch.id).order_by(Batch.id.desc()).offset(CLAIMS).limit(1)).one()
        until = session.get_one(Batch, last).last_id
        session.execute(update(Batch).where(Batch.id <= last).values(state=BatchState.DONE))
        done = {"state": State.SENT, "settled_at": datetime.now(UTC)}
        session.execute(update(Message).where(Message.id <= until, Message.state == State.READY).values(done))


def _in_one(database: Database, act: Callable[[Session], T]) -> T:
    with database.transaction() as session:
        return act(session)
