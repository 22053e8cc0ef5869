"""The Celery application of workers and beat. Separate from `app`, so that no worker loads the web."""

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

NICENESS = 4
"""Niceness of bulk mail workers: on a small machine, pages and the mail people wait for come first. It is low because
other programs on the host are not nice either: at 4 a worker gets four tenths of an equal share beside each of them.
At 10 it got one tenth, and campaigns starved. `Lateness` does the rest."""
GIVE_UP_AT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "socket_timeout": 1.0}
"""A page must not wait for a Redis that is gone or hangs (kombu would, for ever): the next tick sends the mail."""
LOOK_FRESH = 0.05
"""Seconds for which beat reuses one lookup."""
log = structlog.get_logger()


def create_celery(settings: Settings | None = None) -> Celery:
    """The Celery application of a worker or beat."""
    settings = settings or load()
    configure()
    trigger = jobs.DeliveryTrigger(make_celery(settings, patient=False))
    celery = make_celery(settings)
    worker = Worker(settings)
    signals.setup_logging.connect(_our_logging, weak=False)
    signals.celeryd_after_setup.connect(_lower_priority, weak=False)
    signals.worker_process_init.connect(worker.started, weak=False)
    signals.worker_process_shutdown.connect(worker.stopped, weak=False)
    signals.worker_shutting_down.connect(worker.told_to_stop, weak=False)
    jobs.register(celery, worker.runtime, worker.stopping, partial(trigger.wake, Lane.BULK, settings.bulk_workers))
    return celery


class Worker:
    """The state behind a worker's tasks: each of its processes builds its own Runtime after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._main = os.getpid()
        self._runtime: Runtime | None = None
        # One byte shared by the main process and its children, set when the worker is stopping: a batch under way then
        # takes nothing new and finishes what is on the wire.
        self._stop_flag = mmap.mmap(-1, 1)

    def runtime(self) -> Runtime:
        """This process's Runtime, building it on first use."""
        if self._runtime is None:
            self._runtime = build(self._settings, throttle=connect, allowances=connections)
        return self._runtime

    def stopping(self) -> bool:
        """Whether the worker is stopping."""
        return self._stop_flag[0] == 1

    def told_to_stop(self, **_: Any) -> None:
        """Handle Celery's signal in the main process: stop."""
        self._stop_flag[0] = 1

    def started(self, **_: Any) -> None:
        """Handle Celery's signal in a new process: end with the main process, and replay journals of dead ones."""
        if os.getpid() != self._main:
            parent.die_with(self._main)
        self._runtime = None
        rt = self.runtime()
        try:  # it may replace a process that died: recover what that had on the wire before anything else
            recovery.replay(rt.journals, rt.database.transaction, rt.clock.now(), feedback.suppress)
        except SQLAlchemyError as error:
            log.warning("journals are replayed later", error=type(error).__name__)
        collect_rarely()

    def stopped(self, **_: Any) -> None:
        """Handle Celery's signal in a process that ends: close its Runtime."""
        if self._runtime is not None:
            self._runtime.close()


def _our_logging(**_: Any) -> None:
    """Set up our logging: Celery sets up none of its own if this signal has a handler."""
    configure()


def _lower_priority(instance: Any, **_: Any) -> None:
    if set(instance.app.amqp.queues.consume_from) != {jobs.QUEUES[Lane.BULK]}:
        return
    os.nice(NICENESS)
    # With autogroup (sched(7)), Linux shares the processor by session: niceness counts only within one, and the session
    # has its own. A session that is not ours, such as a terminal's, is left alone.
    if os.getsid(0) == os.getpid():
        _ease_session(Path("/proc/self/autogroup"))


def _ease_session(autogroup: Path) -> None:
    for _ in range(20):
        try:
            autogroup.write_text(str(NICENESS))
        except BlockingIOError:  # the kernel allows non-root users one such change per tenth of a second
            time.sleep(0.15)
        except OSError:
            return
        else:
            return


class DueCheck:
    """Checks in the database whether a tick would find work, for beat. It connects on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: tuple[Database, Clock] | None = None
        self._seen: dict[str, bool] = {}
        self._seen_at = float("-inf")

    def open(self) -> tuple[Database, Clock]:
        """The database, and the clock that due times are compared with."""
        if self._opened is None:
            database = Database(self._settings.database)
            self._opened = database, clock_for(self._settings, database)
        return self._opened

    def sees(self, look: str) -> bool:
        """Whether a check finds work; True if it fails: the workers then find out.

        Ticks due at the same moment share one query.
        """
        if time.monotonic() - self._seen_at > LOOK_FRESH:
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
    """Due at each multiple of its interval by the clock.

    So ticks coincide and share one query, and what is planned for a full second is found at that very moment. After a
    change of the clock it continues at the next multiple.
    """

    def now(self) -> datetime:
        """The time. Celery asks several times per tick, and its own version looks up the zone."""
        return datetime.now(UTC)

    def is_due(self, last_run_at: datetime) -> Any:
        """Whether a multiple has passed since, and the seconds until the next."""
        now = self.now().timestamp()
        multiple = now // self.seconds
        return schedstate(multiple != last_run_at.timestamp() // self.seconds, (multiple + 1) * self.seconds - now)


class AlignedScheduler(Scheduler):
    """Celery's scheduler with five changes.

    It keeps no file (a lost tick is followed by the next), aligns ticks, sleeps until one is due (Celery's own wakes
    ten milliseconds early and spins), adds none to a full queue, and skips, for some seconds, those that would find no
    work.
    """

    def __init__(self, *args: Any, due_check: DueCheck, **kwargs: Any) -> None:
        self._due_check = due_check
        self._published: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Load the beat table."""
        table = self.app.conf.beat_schedule.items()
        self.merge_inplace({name: {**line, "schedule": Aligned(line["schedule"])} for name, line in table})

    def schedules_equal(self, old_schedules: Any, new_schedules: Any) -> bool:
        """Whether the schedule is unchanged. Celery compares all of it at each step; ours never changes."""
        return old_schedules is not None

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """Publish a tick, if it may find work and its queue has room."""
        if not self._is_wanted(entry.name):
            return None
        if producer is not None and not jobs.has_room(producer.channel, entry.options["queue"]):
            return None
        self._published[entry.name] = time.monotonic()
        return super().apply_async(entry, producer=producer, advance=advance, **options)

    def _is_wanted(self, tick: str) -> bool:
        look = looks.look_before(tick)
        waited = time.monotonic() - self._published.get(tick, float("-inf"))
        return look is None or waited > jobs.PUBLISH_ANYWAY_AFTER or self._due_check.sees(look)

    def adjust(self, n: float, drift: float = 0.0) -> float:
        """The seconds to sleep, without Celery's early wake-up."""
        return n


def make_celery(settings: Settings, *, patient: bool = True) -> Celery:
    """The bare application: broker, beat table, options. The web publishes through one that is not `patient`."""
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
        beat_scheduler=partial(AlignedScheduler, due_check=DueCheck(settings)),
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
