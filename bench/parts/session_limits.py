"""Throughput at relays with limits, compared with a plain client that knows the limit beforehand."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from statistics import median

from redis import Redis

from bench import sink
from bench.compiler import built
from bench.parts.relay_limits import DATA, Worker, beside_a_campaign, private_redis
from bench.report import Table, whole
from bench.run_size import Size
from newsletter.smtp import Stage
from tests.debian import NotToBeHad
from tests.real.mta import Mta, exim, postfix
from tests.real.opensmtpd import opensmtpd

SESSIONS = 8
RATE, SPAN = 40, 3.0
"""Mails Postfix accepts per `SPAN` seconds."""
ERRORS = (
    "smtpd_recipient_restrictions = "
    "check_recipient_access regexp:{ {/[02468]0reader@/ DUNNO}, {/./ 550 5.1.1 nobody} }, permit"
)
HEADS = ("the relay", "mails", "a plain client msg/s", "ours msg/s", "ratio", "uncertain", "tried")


@dataclass(frozen=True)
class Case:
    """A relay with a limit."""

    name: str
    relay: Callable[[], AbstractContextManager[int]]
    """A context manager that yields its port."""
    mails: int
    each: int = 0
    """Mails after which the plain client ends a session; 0: never."""
    allowed: float | None = None
    """Mails a second that the limit allows, if known without measuring."""
    refuses: bool = False
    """Whether it refuses most recipients."""


def _sink(limit: int, *, chunking: bool = False) -> Callable[[], AbstractContextManager[int]]:
    @contextmanager
    def made() -> Iterator[int]:
        with sink.running(session_limit=limit, chunking=chunking) as server:
            yield server.port

    return made


def _real(server: Callable[[], AbstractContextManager[Mta]]) -> Callable[[], AbstractContextManager[int]]:
    @contextmanager
    def made() -> Iterator[int]:
        with server() as running:
            yield running.port

    return made


def _cases(size: Size) -> list[Case]:
    many, some = (20_000, 1_000) if size.is_quick else (100_000, 4_000)
    timed = RATE * (3 if size.is_quick else 5)
    return [
        Case("the sink, no limit", _sink(0), many),
        Case("the sink, 421 after 100", _sink(100), many, each=100),
        Case("the sink with CHUNKING, 421 after 100", _sink(100, chunking=True), many, each=100),
        Case("Exim as it comes: 421 after 1,000", _real(exim), max(some, SESSIONS * 1_100), each=1_000),
        Case("Exim, 421 after 100", _real(lambda: exim("smtp_accept_max_per_connection = 100")), some, each=100),
        Case("OpenSMTPD as it comes: 452 after 100", _real(opensmtpd), some, each=100),
        Case("Postfix as it comes: hangs up on 20 errors", _real(lambda: postfix(ERRORS)), some, each=9, refuses=True),
        Case(f"Postfix, {RATE} mails in {SPAN:.0f} s",
             _real(lambda: postfix(f"smtpd_client_message_rate_limit = {RATE}")), timed,
             allowed=timed / ((timed / RATE - 1) * SPAN)),
    ]  # fmt: skip


def relay_limits(size: Size) -> list[Table]:
    """Guides during a campaign with few connections, and throughput with limited messages per session or time."""
    table = Table("The rate that a relay's limit leaves", HEADS)
    with private_redis() as redis:
        for case in _cases(size):
            try:
                table.rows.append(_row(case, redis, size.rounds))
            except NotToBeHad as error:
                table.notes.append(f"Not measured: {case.name}: {error}.")
    table.notes.append(
        f"The plain client (`bench/client.c`, {SESSIONS} sessions, no pipelining) knows the limit and ends its "
        f"sessions just before it; ours (one process, {SESSIONS} connections) learns it. In turns, medians of "
        f"{size.rounds}; of Postfix's rate the first column is what the limit allows."
    )
    return [*beside_a_campaign(size), table]


def _row(case: Case, redis: str, rounds: int) -> list[str]:
    plain, ours, stages = [], [], Counter[Stage]()
    for _ in range(rounds):
        if case.allowed is None:
            with case.relay() as port:
                plain.append(_plain(case, port))
        with case.relay() as port:
            rate, became = _ours(case, port, redis)
            ours.append(rate)
            stages += became
    allowed = case.allowed or median(plain)
    tried = stages[Stage.LOST_BEFORE] + (0 if case.refuses else stages[Stage.REJECTED])
    return [
        case.name, f"{case.mails:,}", whole(allowed), whole(median(ours)), f"**{median(ours) / allowed:.2f}**",
        str(stages[Stage.LOST_AFTER]), str(tried),
    ]  # fmt: skip


def _plain(case: Case, port: int) -> float:
    began = time.monotonic()
    words = (port, SESSIONS, case.mails, len(DATA), case.each)
    subprocess.run([built("client"), *map(str, words)], check=True, timeout=300)
    return case.mails / (time.monotonic() - began)


def _ours(case: Case, port: int, redis: str) -> tuple[float, Counter[Stage]]:
    Redis.from_url(redis).flushall()
    worker = Worker(redis, port, range(1, case.mails + 1), connections=SESSIONS)
    began = time.monotonic()
    worker.start()
    worker.join()
    return case.mails / (time.monotonic() - began), worker.kept.stages
