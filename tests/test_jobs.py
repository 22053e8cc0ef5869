"""The tasks and the beat table: names that exist, lanes that are worked, and a trigger that never fails."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import psycopg
import pytest
from celery import Celery
from sqlalchemy import select, true
from sqlalchemy.exc import OperationalError

from newsletter import articles, brand, campaigns, jobs
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.mail import ledger
from newsletter.mail.journal import Journal
from newsletter.mail.ledger import Lane, Message, State
from newsletter.mail.ledger.row_claims import claim_rows, mark_sending
from newsletter.runtime import Runtime
from newsletter.smtp import SentList, SmtpResult, Stage
from newsletter.subscribers import Stream, Subscriber
from tests.conftest import NOON

DEAD = ["redis://127.0.0.1:1/0", "redis+socket:///nowhere/redis.sock", "redis://no-such-host.invalid:6379/0"]


@dataclass
class Worker:
    """What a worker process has: its Runtime, and whether it was told to end."""

    runtime: Runtime | None = None
    stopping: bool = False
    broken_off: int = 0
    """How many of its next transactions the database breaks off."""

    def own(self) -> Runtime:
        """Its Runtime."""
        if self.broken_off:
            self.broken_off -= 1
            raise OperationalError("UPDATE …", {}, psycopg.errors.DeadlockDetected())
        assert self.runtime is not None
        return self.runtime

    def wake(self) -> None:
        """Nobody sleeps."""


WORKER = Worker()


@lru_cache(1)
def _celery() -> Celery:
    """Made once: Celery knows a task's name in one place for the whole process."""
    made = Celery("test", broker="memory://")
    jobs.register(made, WORKER.own, lambda: WORKER.stopping, lambda: WORKER.wake())
    return made


@pytest.fixture
def celery(runtime: Runtime) -> Celery:
    """An application with the tasks, on this test's Runtime, and no broker."""
    WORKER.runtime, WORKER.stopping = runtime, False
    return _celery()


def test_beat_publishes_only_tasks_that_exist_to_queues_that_are_worked(celery: Celery) -> None:
    for name, entry in jobs.beat_table(3).items():
        assert entry["task"] in celery.tasks, name
        options = entry["options"]
        assert isinstance(options, dict) and options["queue"] in jobs.QUEUES.values()


def test_every_task_is_published_by_beat(celery: Celery) -> None:
    ours = {name for name in celery.tasks if not name.startswith("celery.")}
    assert ours == {entry["task"] for entry in jobs.beat_table(1).values()}


def test_series_stand_in_nobodys_way_who_waits() -> None:
    queue = {entry["task"]: entry["options"] for entry in jobs.beat_table(1).values() if entry["task"] != "deliver"}
    assert queue["advance_sequences"] == {"queue": jobs.QUEUES[Lane.BULK]}


def test_a_crowd_in_the_series_leaves_the_worker_after_a_slice(
    celery: Celery, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(0, 1000, 2))  # each look at the clock: two seconds later
    monkeypatch.setattr(jobs.time, "monotonic", lambda: float(next(moments)))
    monkeypatch.setattr(jobs.sequences, "is_due", lambda _: true())
    monkeypatch.setattr(jobs.sequences, "advance_due", lambda *_, **__: 1000)
    assert celery.tasks["advance_sequences"]() == 3 * 1000


def test_series_are_told_the_colours_of_the_guides(
    celery: Celery, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    monkeypatch.setattr(jobs.sequences, "is_due", lambda _: true())
    monkeypatch.setattr(jobs.sequences, "advance_due", lambda *_, **more: told.append(more["accents"]) or 0)
    celery.tasks["advance_sequences"]()
    assert told == [{"exercise-at-50": "#8a3b12"}]


def test_tasks_carry_no_addresses_and_no_time_of_the_host_that_publishes_them() -> None:
    for entry in jobs.beat_table(2).values():
        options = entry["options"]
        assert isinstance(options, dict) and options.keys() == {"queue"}
        assert json.dumps(entry["args"]) in ('["transactional"]', '["bulk"]', "[]")


def test_there_is_one_tick_for_each_bulk_worker() -> None:
    assert sum(name.startswith("deliver-bulk") for name in jobs.beat_table(5)) == 5


def test_what_no_worker_takes_does_not_pile_up() -> None:
    celery = Celery("test", broker="memory://")
    for _ in range(3 * jobs.MOST_WAITING):
        jobs.DeliveryTrigger(celery).wake(Lane.BULK)
    with celery.connection_for_write() as connection:
        waiting = connection.default_channel.queue_declare(queue="bulk", passive=True).message_count
        connection.default_channel.queue_purge("bulk")
    assert waiting == jobs.MOST_WAITING


@pytest.mark.parametrize("broker", DEAD)
def test_waking_the_workers_never_fails(broker: str) -> None:
    celery = Celery("test", broker=broker)
    celery.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0, "socket_connect_timeout": 0.2}
    before = time.monotonic()
    jobs.DeliveryTrigger(celery).wake()
    assert time.monotonic() - before < 3


def test_the_tasks_take_a_campaign_from_its_time_to_its_end(
    celery: Celery, runtime: Runtime, person: Callable[..., int], sent: SentList
) -> None:
    person("jane@example.com")
    with runtime.database.transaction() as session:
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="x")
        campaign = Campaign(article=article, created_at=NOON)
        session.add(campaign)
        campaign.schedule(NOON, brand.current(session))
    for _ in range(2):
        celery.tasks["launch_campaigns"]()
        celery.tasks["deliver"]("bulk")
    assert [one.recipient for one in sent.envelopes] == ["jane@example.com"]
    with runtime.database.reading() as session:
        assert session.get_one(Campaign, campaign.id).state is CampaignState.SENT


def test_a_launch_wakes_the_workers_when_the_first_recipients_are_written(
    celery: Celery, runtime: Runtime, person: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("jane", "tom", "ann"):
        person(f"{name}@example.com")
    with runtime.database.transaction() as session:
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="x")
        campaign = Campaign(article=article, created_at=NOON)
        session.add(campaign)
        campaign.schedule(NOON, brand.current(session))
    written: list[int] = []

    def wake() -> None:
        with runtime.database.reading() as session:
            written.append(len(session.scalars(select(Message.id)).all()))

    monkeypatch.setattr(campaigns.fill_next, "__defaults__", (2,))
    monkeypatch.setattr(WORKER, "wake", wake)
    celery.tasks["launch_campaigns"]()
    assert written == [2], "woken once, while the others are still to be written"
    celery.tasks["launch_campaigns"]()
    assert written == [2], "nothing to write, nobody to wake"


def test_the_other_tasks_do_their_work(
    celery: Celery, runtime: Runtime, person: Callable[..., int], clock: FixedClock
) -> None:
    person("jane@example.com", confirmed=False)
    clock.forward(timedelta(days=31))
    for name in ("advance_sequences", "recover_messages", "remind_and_forget"):
        celery.tasks[name]()
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_a_worker_told_to_stop_takes_nothing_new(celery: Celery) -> None:
    WORKER.stopping = True
    assert celery.tasks["deliver"](Lane.BULK.value) == 0
    assert celery.tasks["advance_sequences"]() == 0


def test_a_host_that_only_delivers_brings_in_what_its_own_batches_left(
    celery: Celery, runtime: Runtime, person: Callable[..., int], sent: SentList
) -> None:
    person("jane@example.com")
    with runtime.database.transaction() as session:
        subscriber = session.scalars(select(Subscriber)).one()
        ledger.queue(session, subscriber, Stream.GUIDE, "guide:x:1", NOON)
        (message,) = claim_rows(session, Lane.TRANSACTIONAL, "t", NOON, 9)
        assert mark_sending(session, "t", [message.id], NOON)
    journal = Journal(runtime.journals, "t")
    journal.sending([message.id])
    journal.results([SmtpResult(message.id, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")])
    journal.close(settled=False)
    celery.tasks["deliver"](Lane.BULK.value)
    with runtime.database.reading() as session:
        assert session.scalars(select(Message.state)).all() == [State.SENT]
    assert sent.envelopes == []


def test_a_tick_that_the_database_breaks_off_goes_on_at_once(celery: Celery) -> None:
    WORKER.broken_off = 1
    assert celery.tasks["deliver"].apply(("bulk",)).get() == 0
    assert WORKER.broken_off == 0
