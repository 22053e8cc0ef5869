"""The workers' door: one Celery application for workers and beat. Apart from `app`, so that no worker loads the web."""

import mmap
import os
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from celery import Celery, signals
from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedstate, schedule
from sqlalchemy.exc import SQLAlchemyError

from newsletter import feedback, jobs, looks, parent
from newsletter.clock import Clock
from newsletter.db import Database
from newsletter.garbage import collect_rarely
from newsletter.log import configure
from newsletter.mail import recovery
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime, build, clock_for
from newsletter.settings import Settings, load
from newsletter.throttle.connections import connections
from newsletter.throttle.redis import connect

POLITE = 4
"""Steps (nice) by which workers of bulk mail stand back: on a small machine pages, and the guide that somebody waits
for, come first. Few steps, for programs of strangers are no politer: beside each of those a worker gets four tenths of
an equal share. With ten it was one tenth, and campaigns starved. `Lateness` does the rest."""
GIVE_UP_AT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "socket_timeout": 1.0}
"""A page does not wait for a Redis that is gone or hangs (kombu would, for ever): the next tick sends the mail."""
MOMENT = 0.05
"""Seconds for which beat believes what it saw."""
log = structlog.get_logger()


def create_celery(settings: Settings | None = None) -> Celery:
    """The Celery application of a worker or beat."""
    settings = settings or load()
    configure()
    trigger = jobs.DeliveryTrigger(make_celery(settings, patient=False))
    celery = make_celery(settings)
    worker = Worker(settings)
    signals.setup_logging.connect(_our_logging, weak=False)
    signals.celeryd_after_setup.connect(_stand_back, weak=False)
    signals.worker_process_init.connect(worker.started, weak=False)
    signals.worker_process_shutdown.connect(worker.stopped, weak=False)
    signals.worker_shutting_down.connect(worker.told_to_stop, weak=False)
    jobs.register(celery, worker.runtime, worker.stopping, partial(trigger.wake, Lane.BULK, settings.bulk_workers))
    return celery


class Worker:
    """What the tasks of a worker stand on: each of its processes builds its own Runtime after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._main = os.getpid()
        self._runtime: Runtime | None = None
        # One byte shared by the main process and its children: set when the worker is told to stop, so that a batch
        # under way takes nothing new and finishes what is on the wire.
        self._told = mmap.mmap(-1, 1)

    def runtime(self) -> Runtime:
        """This process's own."""
        if self._runtime is None:
            self._runtime = build(self._settings, throttle=connect, allowances=connections)
        return self._runtime

    def stopping(self) -> bool:
        """Whether the worker was told to end."""
        return self._told[0] == 1

    def told_to_stop(self, **_: Any) -> None:
        """Celery's signal, in the main process."""
        self._told[0] = 1

    def started(self, **_: Any) -> None:
        """Celery's signal, in a new process. Without its main process it would wait for ever for something to do."""
        if os.getpid() != self._main:
            parent.die_with(self._main)
        self._runtime = None
        rt = self.runtime()
        try:  # this process may follow one that died: what that one had on the wire is put right before anything else
            recovery.replay(rt.journals, rt.database.transaction, rt.clock.now(), feedback.suppress)
        except SQLAlchemyError as error:
            log.warning("journals are replayed later", error=type(error).__name__)
        collect_rarely()

    def stopped(self, **_: Any) -> None:
        """Celery's signal, in a process that ends."""
        if self._runtime is not None:
            self._runtime.close()


def _our_logging(**_: Any) -> None:
    """Celery sets up no logging of its own where somebody answers this signal."""
    configure()


def _stand_back(instance: Any, **_: Any) -> None:
    if set(instance.app.amqp.queues.consume_from) != {jobs.QUEUES[Lane.BULK]}:
        return
    os.nice(POLITE)
    # Where Linux shares the processor by session (sched(7), autogroup), niceness counts among those of a session only;
    # the session has its own. Of a session that is not ours, such as a terminal's, it is left alone.
    if os.getsid(0) == os.getpid():
        _ease_session(Path("/proc/self/autogroup"))


def _ease_session(autogroup: Path) -> None:
    for _ in range(20):
        try:
            autogroup.write_text(str(POLITE))
        except BlockingIOError:  # the kernel takes one such wish in a tenth of a second, of everybody who is not root
            time.sleep(0.15)
        except OSError:
            return
        else:
            return


class Lookout:
    """Looks into the database whether a tick would find anything to do. Beat's own; it connects when it first looks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: tuple[Database, Clock] | None = None
        self._seen: dict[str, bool] = {}
        self._seen_at = float("-inf")

    def open(self) -> tuple[Database, Clock]:
        """The database, and the clock by which things are due."""
        if self._opened is None:
            database = Database(self._settings.database)
            self._opened = database, clock_for(self._settings, database)
        return self._opened

    def sees(self, look: str) -> bool:
        """What the look finds; True where it cannot be had: then the workers look for themselves.

        Ticks that are due in the same moment share one look.
        """
        if time.monotonic() - self._seen_at > MOMENT:
            self._seen = self._look()
            self._seen_at = time.monotonic()
        return self._seen.get(look, True)

    def _look(self) -> dict[str, bool]:
        database, clock = self.open()
        try:
            with database.reading() as session:
                return looks.seen_by(session, clock.now())
        except SQLAlchemyError as error:
            log.warning("beat cannot look what is due", error=type(error).__name__)
            return {}


class Aligned(schedule):
    """Due at each multiple of its interval by the clock, so that ticks fall together: they share one look, and what is
    planned for a full second is found in that very moment. After a change of the clock it goes on at the next one."""

    def now(self) -> datetime:
        """Celery asks several times for each tick, and its own looks the zone up."""
        return datetime.now(UTC)

    def is_due(self, last_run_at: datetime) -> Any:
        """Whether a multiple has come since, and the seconds to the next."""
        now = self.now().timestamp()
        turn = now // self.seconds
        return schedstate(turn != last_run_at.timestamp() // self.seconds, (turn + 1) * self.seconds - now)


class Metronome(Scheduler):
    """Celery's scheduler, but that it keeps no file (a tick that is lost is followed by the next), lets ticks fall
    together, sleeps until one is due (Celery's own wakes ten milliseconds before each, and spins), adds none to a queue
    that is full, and none, for some seconds, that would find nothing to do."""

    def __init__(self, *args: Any, lookout: Lookout, **kwargs: Any) -> None:
        self._lookout = lookout
        self._published: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Take the beat table."""
        table = self.app.conf.beat_schedule.items()
        self.merge_inplace({name: {**line, "schedule": Aligned(line["schedule"])} for name, line in table})

    def schedules_equal(self, old_schedules: Any, new_schedules: Any) -> bool:
        """Celery compares all of it at each step; ours never changes."""
        return old_schedules is not None

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Publish a tick, if it is worth it."""
        if not self._is_wanted(entry.name):
            return None
        if producer is not None and not jobs.has_room(producer.channel, entry.options["queue"]):
            return None
        self._published[entry.name] = time.monotonic()
        return super().apply_async(entry, producer=producer, advance=advance, **options)

    def _is_wanted(self, tick: str) -> bool:
        look = looks.look_before(tick)
        waited = time.monotonic() - self._published.get(tick, float("-inf"))
        return look is None or waited > jobs.ANYWAY or self._lookout.sees(look)

    def adjust(self, n: float, drift: float = 0.0) -> float:
        """Seconds to sleep."""
        return n


def make_celery(settings: Settings, *, patient: bool = True) -> Celery:
    """The bare application: broker, beat table, options. The web publishes through one too, and is not `patient`."""
    celery = Celery("newsletter", broker=settings.broker)
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_ignore_result=True,
        task_default_queue=jobs.QUEUES[Lane.TRANSACTIONAL],
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
        beat_schedule=jobs.beat_table(settings.bulk_workers),
        beat_scheduler=partial(Metronome, lookout=Lookout(settings)),
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "visibility_timeout": 600,
            "socket_connect_timeout": 1.0,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
    )
    if not patient:
        celery.conf.broker_transport_options |= GIVE_UP_AT_ONCE
    return celery
