"""Every Celery task and the beat table. Tasks hold no rules: the database is the queue of record, Celery only wakes.

A late or repeated tick does no harm, and a lost one is followed by the next. None carries a time, so hosts' clocks may
differ. If no worker runs, ticks do not pile up (`has_room`).
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from celery import Celery
from kombu.exceptions import ChannelError
from kombu.exceptions import OperationalError as BrokerDown
from kombu.transport.virtual import Channel
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from newsletter import (
    accounts,
    brand,
    bulk_actions,
    campaigns,
    feedback,
    guides,
    imports,
    inbound,
    installation,
    journey,
    link_checks,
    sequences,
    subscribers,
)
from newsletter.db import holds, was_broken_off
from newsletter.mail import recovery
from newsletter.mail.ledger import Lane
from newsletter.mail.ledger.counts import recount
from newsletter.runtime import Runtime

SLICE = 15.0
"""Seconds a delivery task works before it returns, so that the worker can take another task or stop."""
LONGEST_REST = 1.0
"""Longest sleep in seconds. While our pages are slow, a bulk mail worker sleeps after each batch for as long as that
took: it leaves them half of its time, and never more, however busy the host is."""
ADVANCE_SLICE = 5.0
"""Seconds for which series are advanced before a campaign queued behind them may continue; the next tick resumes."""
WRITER_PAUSE = 0.03
"""Seconds between two chunks of work on SQLite: without a pause nobody else would ever get its one write lock."""
MOST_WAITING = 20
"""Tasks in a queue beyond which beat and doors add no more, while its worker is away or behind."""
QUEUES = {Lane.TRANSACTIONAL: "transactional", Lane.BULK: "bulk"}
PUBLISH_ANYWAY_AFTER = 15.0
"""Seconds after which a tick is published whatever its check finds: checks may fail, and journals need replaying."""
Stopping = Callable[[], bool]
Wake = Callable[[], None]
log = structlog.get_logger()


def deliver(rt: Runtime, stopping: Stopping, lane: str) -> int:
    """Deliver what is due in a lane until nothing is left or the slice is over; return the messages claimed."""
    sent, until = 0, time.monotonic() + SLICE
    # On a host that only delivers, nobody else reads its journals: `recover_messages` reads those of its own host.
    recovery.replay(rt.journals, rt.database.transaction, rt.clock.now(), feedback.suppress)
    delivery = rt.delivery
    while not stopping() and (began := time.monotonic()) < until:
        claimed = delivery.run(Lane(lane), stopping)
        if not claimed:
            break
        sent += claimed
        if lane == Lane.BULK and rt.lateness.is_fresh():
            time.sleep(min(time.monotonic() - began, LONGEST_REST))
    return sent


def launch_campaigns(rt: Runtime, stopping: Stopping, wake: Wake) -> None:
    """Launch what is due, write recipients, cancel rows of cancelled campaigns, and finish and count what is done.

    Workers are woken once the first recipients are written: they send while the others are being written.
    """
    until, woken = time.monotonic() + SLICE, False
    if rt.is_locked():
        return
    with rt.database.transaction() as session:
        campaigns.tend_ab_tests(session, rt.clock.now())
        campaigns.launch_due(session, rt.clock.now())
    for step in (campaigns.fill_next, campaigns.cancel_more):
        more = True
        while more and not stopping() and time.monotonic() < until:
            with rt.database.transaction() as session:
                more = step(session, rt.clock.now())
            if more and step is campaigns.fill_next and not woken:
                wake()
                woken = True
            if more and rt.database.is_sqlite:
                time.sleep(WRITER_PAUSE)
    with rt.database.transaction() as session:
        campaigns.finish_done(session, rt.clock.now())
        recount(session)


def advance_sequences(rt: Runtime, stopping: Stopping) -> int:
    """Move on everybody whose next article is due, until nobody is or the slice is over; return how many moved.

    It runs in the bulk queue: however many are due, confirmations have workers of their own.
    """
    moved, until = 0, time.monotonic() + ADVANCE_SLICE
    if rt.is_locked():
        return moved
    with rt.database.reading() as session:  # most ticks find nothing and need no write lock
        more = int(holds(session, sequences.is_due(rt.clock.now())))
    while more and not stopping():
        with rt.database.transaction() as session:
            zone, mailings = brand.current(session).zone, campaigns.planned(session)
            accents = guides.mail_accents(session)
            more = sequences.advance_due(session, rt.clock.now(), zone, mailings=mailings, accents=accents)
        moved += more
        if time.monotonic() > until:
            break
        if more and rt.database.is_sqlite:
            time.sleep(WRITER_PAUSE)
    return moved


def send_digests(rt: Runtime, stopping: Stopping) -> None:
    """Queue the weekly mails that are due, until none is left or the slice is over; the next tick continues."""
    more, until = not rt.is_locked(), time.monotonic() + ADVANCE_SLICE
    while more and not stopping() and time.monotonic() < until:
        with rt.database.transaction() as session:
            more = campaigns.send_digests(session, rt.renderer, rt.clock.now()) > 0
        if more and rt.database.is_sqlite:
            time.sleep(WRITER_PAUSE)


def go_on_with_bulk_actions(rt: Runtime, stopping: Stopping) -> None:
    """Run owners' bulk actions until nothing waits or the slice is over; the next tick continues."""
    rt.hold_back(bulk_actions.hold_back)
    bulk_actions.go_on(rt, stopping)


def recover_messages(rt: Runtime, _stopping: Stopping) -> None:
    """Recover what dead workers held, and cancel what returns to a cancelled campaign."""
    back, lost = recovery.recover(rt.journals, rt.database.transaction, rt.clock.now(), feedback.suppress)
    with rt.database.transaction() as session:
        campaigns.cancel_stragglers(session, rt.clock.now())
    if back or lost:
        log.warning("messages of a lost worker", given_back=back, uncertain=lost)


def witness(rt: Runtime, _stopping: Stopping) -> None:
    """Agree on a new witness with the data folder, so that a restored database is recognised (see `Installation`)."""
    if rt.database.is_sqlite:
        with rt.database.transaction() as session:
            here = installation.current(session)
            here.witness = installation.keep_witness(rt.settings.data_dir, here.witness)
            here.witnessed_at = rt.clock.now()


def watch_guides(rt: Runtime, _stopping: Stopping) -> None:
    """Notify the owner of a guide whose file is missing or damaged: its box takes no sign-ups."""
    with rt.database.transaction() as session:
        guides.watch(session, rt.guides, rt.clock.now(), datetime.now(UTC))


def remind_and_forget(rt: Runtime, _stopping: Stopping) -> None:
    """Send unconfirmed sign-ups one reminder, later delete them; delete what imports left behind after a day."""
    imports.forget_old(rt.database, rt.uploads, rt.clock.now(), datetime.now(UTC))
    if rt.is_locked():
        return
    with rt.database.transaction() as session:
        journey.remind_and_forget(session, rt, rt.clock.now())


def end_pauses(rt: Runtime, stopping: Stopping) -> None:
    """End readers' pauses that are over."""
    more = not rt.is_locked()
    while more and not stopping():
        with rt.database.transaction() as session:
            more = journey.end_pauses(session, rt.clock.now()) > 0


def sweep(rt: Runtime, stopping: Stopping) -> None:
    """Delete what has expired: sessions, old IP and e-mail addresses, records of bulk actions, SQLite's log."""
    now = rt.clock.now()
    before = now - timedelta(days=rt.settings.keep_ip_days)
    with rt.database.transaction() as session:
        accounts.sweep(session, now)
        accounts.forget_ips(session, before)
        bulk_actions.forget_old(session, now)
        link_checks.forget_old(session, now)
    rt.forget_earlier_addresses(now)
    more = True
    while more and not stopping():
        with rt.database.transaction() as session:
            more = subscribers.forget_ips(session, before) > 0
    rt.database.scrub()


def read_inboxes(rt: Runtime, stopping: Stopping) -> int:
    """Process incoming mail: bounces, complaints, requests to unsubscribe. Return how many.

    Not in a copy that nobody has reviewed: it would take them from the installation they are meant for.
    """
    is_ours = bool(rt.settings.inbox_url) and not rt.is_locked()
    return inbound.read_inboxes(rt, stopping) if is_ours else 0


def write_clicks(rt: Runtime, _stopping: Stopping) -> None:
    """Store the clicks that this host's web recorded in its journal."""
    rt.write_clicks()


TASKS = (
    deliver, advance_sequences, end_pauses, recover_messages, remind_and_forget, watch_guides, witness, sweep,
    read_inboxes, write_clicks, Runtime.go_on_with_imports, go_on_with_bulk_actions,
    send_digests, Runtime.look_at_feeds, Runtime.look_at_sending, Runtime.score_spam,
    Runtime.check_links,
)  # fmt: skip


def register(celery: Celery, runtime: Callable[[], Runtime], stopping: Stopping, wake: Wake) -> None:
    """Define the tasks on a Celery app. `runtime` returns the worker process's own; `stopping`: whether it is to end.

    `wake` asks the bulk mail workers to deliver at once.
    """

    def define(name: str, work: Callable[..., object]) -> None:
        @celery.task(name=name)
        def task(*args: str) -> object:
            try:
                return work(runtime(), stopping, *args)
            except OperationalError as error:
                if not was_broken_off(error):
                    raise
            return work(runtime(), stopping, *args)  # tasks commit in steps, so this resumes where it was aborted

    for work in TASKS:
        define(work.__name__, work)
    define(launch_campaigns.__name__, partial(launch_campaigns, wake=wake))


def beat_table(bulk_workers: int) -> dict[str, dict[str, object]]:
    """What beat publishes, and how often (seconds)."""

    def every(seconds: float, task: str, lane: Lane, *args: str) -> dict[str, object]:
        return {"task": task, "schedule": seconds, "args": args, "options": {"queue": QUEUES[lane]}}

    table = {
        "deliver-transactional": every(1, "deliver", Lane.TRANSACTIONAL, Lane.TRANSACTIONAL.value),
        # In the bulk queue. A worker in the middle of a campaign takes it within a slice.
        "advance-sequences": every(3, "advance_sequences", Lane.BULK),
        "send-digests": every(5, "send_digests", Lane.BULK),
        "end-pauses": every(15, "end_pauses", Lane.TRANSACTIONAL),
        "launch-campaigns": every(0.5, "launch_campaigns", Lane.TRANSACTIONAL),
        "tend-campaigns": every(1, "launch_campaigns", Lane.TRANSACTIONAL),
        "recover-messages": every(15, "recover_messages", Lane.TRANSACTIONAL),
        "remind-and-forget": every(60, "remind_and_forget", Lane.TRANSACTIONAL),
        "watch-guides": every(60, "watch_guides", Lane.TRANSACTIONAL),
        "read-inboxes": every(60, "read_inboxes", Lane.BULK),
        "imports": every(2, "go_on_with_imports", Lane.BULK),
        "bulk-actions": every(2, "go_on_with_bulk_actions", Lane.BULK),
        "feeds": every(30, "look_at_feeds", Lane.BULK),
        "sending-looks": every(2, "look_at_sending", Lane.BULK),
        "spam-scores": every(2, "score_spam", Lane.BULK),
        "link-checks": every(2, "check_links", Lane.BULK),
        "write-clicks": every(60, "write_clicks", Lane.TRANSACTIONAL),
        "sweep": every(300, "sweep", Lane.TRANSACTIONAL),
        "witness": every(60, "witness", Lane.TRANSACTIONAL),
    }
    for number in range(bulk_workers):
        table[f"deliver-bulk-{number}"] = every(1, "deliver", Lane.BULK, Lane.BULK.value)
    return table


def has_room(channel: Channel, queue: str) -> bool:
    """Whether few enough tasks wait in a queue for one more to be useful."""
    try:
        declared = channel.queue_declare(queue=queue, passive=True)  # type: ignore[no-untyped-call]
        return bool(declared.message_count < MOST_WAITING)
    except ChannelError:  # an empty queue does not exist
        return True


class DeliveryTrigger:
    """Lets a door ask for delivery at once instead of at the next tick. Never fails: the tick comes anyway."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def wake(self, lane: Lane = Lane.TRANSACTIONAL, workers: int = 1) -> None:
        """Ask this many worker processes to deliver; with Redis down the mail waits in the database."""
        try:
            with self._celery.producer_or_acquire() as producer:
                for _ in range(workers if has_room(producer.channel, QUEUES[lane]) else 0):
                    self._celery.send_task(
                        "deliver", (lane.value,), queue=QUEUES[lane], retry=False, ignore_result=True, producer=producer
                    )
        except (BrokerDown, RedisError, OSError) as error:
            log.warning("no broker: mail waits for the next tick", error=type(error).__name__)
