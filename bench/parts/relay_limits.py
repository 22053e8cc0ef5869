"""A guide beside a campaign at relays that allow few connections, or few mails in a session."""

import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from redis import Redis

from bench.report import Table
from bench.run_size import Size
from newsletter.limits import SharedAllowances
from newsletter.smtp import Envelope, Relay, SmtpResult, SmtpTransport, Stage
from tests.fault_smtp import FaultServer
from tests.redis_server import RedisServer

LIMITS = ((1, 0), (2, 0), (10, 0), (20, 0), (20, 2), (10, 1), (2, 20))
"""Connections that the relay allows, and what that is changed to in mid-campaign (0: nothing)."""
GUIDES, PAUSE = 20, 0.25
LOT = 500
SLOW = 0.002
"""Seconds the relay takes for each mail."""
DATA = b"Subject: a guide\r\n\r\n" + (b"x" * 70 + b"\r\n") * 20
HEADS = ("connections", "then", "guides", "p50 ms", "longest ms", "mails at the relay", "uncertain", "tried", "refused")


class _Kept:
    """A journal, and what became of everybody."""

    def __init__(self) -> None:
        self.stages: Counter[Stage] = Counter()

    def sending(self, keys: Sequence[int]) -> None:
        pass

    def requeued(self, keys: Sequence[int]) -> None:
        pass

    def results(self, results: Sequence[SmtpResult]) -> None:
        self.stages.update(one.stage for one in results)


class _Worker(threading.Thread):
    """A worker process, as far as its relay can tell: connections and a count of its own."""

    def __init__(self, redis: str, port: int, keys: range, *, urgent: bool = False, options: str = "") -> None:
        super().__init__()
        relay = Relay.parse(f"smtp://127.0.0.1:{port}?connections=20{options}")
        self.kept, self.stopped = _Kept(), False
        self._keys, self._urgent = keys, urgent
        shared = SharedAllowances(Redis.from_url(redis))
        self._transport = SmtpTransport([relay], helo="client.example", allowances=shared)

    def run(self) -> None:
        """Send until all is gone, or it is told to stop."""
        keys, waiting = iter(self._keys), deque[int]()
        while not self.stopped:
            waiting.extend(islice(keys, max(0, LOT - len(waiting))))
            if not waiting:
                break
            self._send(waiting)
        self._transport.close()

    def _send(self, waiting: deque[int]) -> None:
        """Send some; what no relay would take waits, as it does in the queue."""
        stays: list[int] = []
        for outcomes in self._transport.send(
            self._mails(waiting), self.kept, stop=lambda: self.stopped or bool(stays), urgent=self._urgent
        ):
            stays.extend([one.key for one in outcomes if one.stage is Stage.RELAY])
        if stays:
            waiting.extendleft(stays)
            time.sleep(PAUSE)

    def _mails(self, waiting: deque[int]) -> Iterator[Envelope]:
        while waiting:
            n = waiting.popleft()
            yield Envelope(n, f"b{n}@example.com", f"r{n}@example.org", DATA, True, True)


def relay_limits(size: Size) -> list[Table]:
    """Two workers of bulk mail and one for guides share a relay."""
    with _redis() as redis:
        beside = Table(f"A guide beside a campaign, {GUIDES} of them, at a relay with limits", HEADS)
        beside.rows = [_beside(redis, most, then) for most, then in LIMITS]
        beside.notes.append(
            "Guides follow each other; the limit is changed at the fifth. Refused: connections too many."
        )
        ended = Table(
            "A relay that ends a session after so many mails",
            (
                "mails a session",
                "mails",
                "accepted",
                "uncertain",
                "tried",
                "sessions",
                "msg/s",
                "msg/s without the limit",
            ),
        )
        ended.rows = [_ended(redis, most, 2_000) for most in (20, 100)]
    return [beside, ended]


def _beside(redis: str, most: int, then: int) -> list[str]:
    Redis.from_url(redis).flushall()
    waits = []
    with FaultServer(connection_limit=most, delay=SLOW) as relay:
        campaign = [_Worker(redis, relay.port, range(first, first + 10**6)) for first in (10**6, 10**8)]
        for one in campaign:
            one.start()
        for number in range(GUIDES):
            if then and number == GUIDES // 4:
                relay.connection_limit = then
            began = time.monotonic()
            guide = _Worker(redis, relay.port, range(number, number + 1), urgent=True)
            guide.start()
            guide.join()
            waits.append(time.monotonic() - began if guide.kept.stages[Stage.ACCEPTED] else 99.0)
            time.sleep(PAUSE)
        for one in campaign:
            one.stopped = True
        for one in campaign:
            one.join()
        kept = sum((one.kept.stages for one in campaign), Counter[Stage]())
        waits.sort()
        return [
            str(most), str(then or "–"), str(GUIDES), f"{waits[GUIDES // 2] * 1000:.0f}", f"{waits[-1] * 1000:.0f}",
            f"{relay.received.total():,}", str(kept[Stage.LOST_AFTER]),
            str(kept[Stage.LOST_BEFORE] + kept[Stage.REJECTED]), str(relay.turned_away),
        ]  # fmt: skip


def _ended(redis: str, most: int, mails: int) -> list[str]:
    free, _, _ = _timed(redis, 0, mails)
    rate, kept, sessions = _timed(redis, most, mails)
    return [
        str(most), f"{mails:,}", f"{kept[Stage.ACCEPTED]:,}", str(kept[Stage.LOST_AFTER]),
        str(kept[Stage.LOST_BEFORE] + kept[Stage.REJECTED]), str(sessions), f"{rate:,.0f}", f"{free:,.0f}",
    ]  # fmt: skip


def _timed(redis: str, most: int, mails: int) -> tuple[float, Counter[Stage], int]:
    Redis.from_url(redis).flushall()
    with FaultServer(session_limit=most, chunking=True) as relay:
        worker = _Worker(redis, relay.port, range(mails), options="&pipeline=8")
        began = time.monotonic()
        worker.start()
        worker.join()
        return mails / (time.monotonic() - began), worker.kept.stages, relay.connections


@contextmanager
def _redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="rl") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.kill()
