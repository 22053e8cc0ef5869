"""The ledger alone: recipients written, claimed, begun and recorded, at the front and at the end of a campaign."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import update
from sqlalchemy.orm import Session

from bench import people, postgres
from bench.folders import ROOT, temporary
from bench.report import Table, whole
from bench.run_size import Size
from newsletter import articles, brand, campaigns, schema, seeds
from newsletter.campaigns import Campaign
from newsletter.db import Database
from newsletter.mail import outbox
from newsletter.mail.outbox import Lane, Message, State

T = TypeVar("T")
BATCH, BATCHES = 500, 10
"""Messages of one claim, and claims that are measured."""
BEGUN, RECORDED = 20, 100
"""Messages begun, and recorded, in one transaction: as delivery does."""
HEADS = ("recipients", "written rows/s", "claim µs", "begin µs", "record µs", "claim µs (end)", "record µs (end)")


@dataclass
class Spent:
    """Wall-clock seconds by verb."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def on(self, verb: str) -> Iterator[None]:
        """Count the time of the block."""
        begun = time.perf_counter()
        yield
        self.seconds[verb] = self.seconds.get(verb, 0.0) + time.perf_counter() - begun


def ledger(size: Size) -> list[Table]:
    """µs of wall-clock time a message, commits included, one process alone with the database."""
    table = Table("The ledger: what a message costs in the database", HEADS)
    for name in ("PostgreSQL", "SQLite"):
        for number in size.growth:
            with _empty(name) as (database, url):
                people.add(url, 1, number + 1)
                table.rows.append(_row(f"{name}, {whole(number)}", database, number))
    table.notes.append(
        f"Wall-clock µs a message with commits (claims of {BATCH}, begun by {BEGUN}, recorded by {RECORDED}), one "
        f"process alone, {BATCH * BATCHES:,} messages each; “end”: when all but as many have been sent."
    )
    return [table]


@contextmanager
def _empty(name: str) -> Iterator[tuple[Database, str]]:
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
    front, back = Spent(), Spent()
    with front.on("write"):
        _launch(database)
    first = min(BATCHES, number // BATCH // 2)
    _deliver(database, first, front)
    _skip(database, number - BATCH * BATCHES)
    _deliver(database, first, back)

    def us(spent: Spent, verb: str) -> str:
        return f"{spent.seconds[verb] / (first * BATCH) * 1e6:.1f}"

    verbs = [us(front, "claim"), us(front, "begin"), us(front, "record"), us(back, "claim"), us(back, "record")]
    return [name, whole(number / front.seconds["write"]), *verbs]


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


def _deliver(database: Database, claims: int, spent: Spent) -> None:
    for number in range(claims):
        now, token = datetime.now(UTC), f"bench-{number}-{time.monotonic_ns()}"
        with spent.on("claim"):
            claimed = _in_one(database, lambda session: outbox.claim(session, Lane.BULK, token, now, BATCH))  # noqa: B023
        ids = [letter.id for letter in claimed]
        with spent.on("begin"):
            for some in _pieces(ids, BEGUN):
                _in_one(database, partial(outbox.begin, token=token, ids=some, now=now))
        with spent.on("record"):
            for some in _pieces(ids, RECORDED):
                verdicts = [outbox.Verdict(id, State.SENT, 250, "2.0.0 Ok: taken", "sink") for id in some]
                _in_one(database, partial(outbox.record, token=token, verdicts=verdicts, now=now))


def _skip(database: Database, until: int) -> None:
    """Everybody up to here has been sent to: what a claim then has to look past is left as it lies."""
    done = {"state": State.SENT, "settled_at": datetime.now(UTC)}
    with database.transaction() as session:
        session.execute(update(Message).where(Message.id <= until, Message.state == State.READY).values(done))


def _pieces(ids: list[int], size: int) -> Iterator[list[int]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _in_one(database: Database, act: Callable[[Session], T]) -> T:
    with database.transaction() as session:
        return act(session)
