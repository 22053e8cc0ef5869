"""Guides during a campaign at relays that allow few connections."""

import tempfile
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from redis import Redis

from bench.report import Table, percentile
from bench.run_size import Size
from newsletter.smtp import Envelope, Relay, SmtpResult, SmtpTransport, Stage
from newsletter.throttle.connections import SharedAllowances
from tests.fault_smtp import FaultServer
from tests.redis_server import RedisServer

LIMITS = ((1, 0), (2, 0), (10, 0), (20, 0), (20, 2), (10, 1), (2, 20))
"""Connections the relay allows, and the limit it changes to mid-campaign (0: no change)."""
GUIDES, PAUSE = 20, 0.25
BATCH_SIZE = 500
SLOW = 0.002
"""Seconds the relay takes per mail."""
DATA = b"Subject: a guide\r\n\r\n" + (b"x" * 70 + b"\r\n") * 20
HEADS = (
    "connections", "then", "p50 ms", "p99 ms", "longest ms", "longest stop s", "mails at the relay", "uncertain",
    "tried", "refused",
)  # fmt: skip


def _name(number: int) -> str:
    return f"{number}reader@example.org"


class _Kept:
    """A journal that counts results by stage."""

    def __init__(self) -> None:
        self.stages: Counter[Stage] = Counter()

    def sending(self, keys: Sequence[int]) -> None:
        pass

    def requeued(self, keys: Sequence[int]) -> None:
        pass

    def results(self, results: Sequence[SmtpResult]) -> None:
        self.stages.update(one.stage for one in results)


class Worker(threading.Thread):
    """Simulates a worker process: has its own connections and allowance."""

    def __init__(self, redis: str, port: int, keys: range, *, urgent: bool = False, connections: int = 20) -> None:
        super().__init__()
        relay = Relay.parse(f"smtp://127.0.0.1:{port}?connections={connections}")
        self.kept, self.stopped = _Kept(), False
        self._keys, self._urgent = keys, urgent
        shared = SharedAllowances(Redis.from_url(redis))
        self._transport = SmtpTransport([relay], helo="client.example", allowances=shared)

    def run(self) -> None:
        """Send until nothing is left or `stopped` is set."""
        keys, waiting = iter(self._keys), deque[int]()
        while not self.stopped:
            waiting.extend(islice(keys, max(0, BATCH_SIZE - len(waiting))))
            if not waiting:
                break
            self._send(waiting)
        self._transport.close()

    def _send(self, waiting: deque[int]) -> None:
        """Send a batch; messages that no relay accepts go back to the queue."""
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
            yield Envelope(n, f"b{n}@example.com", _name(n), DATA, True, True)


def beside_a_campaign(size: Size) -> list[Table]:
    """Two bulk workers and one for guides share a relay."""
    with private_redis() as redis:
        beside = Table(f"A guide beside a campaign, {GUIDES * size.rounds} of them, at a relay with limits", HEADS)
        beside.rows = [
            _row(most, then, [_beside(redis, most, then) for _ in range(size.rounds)]) for most, then in LIMITS
        ]
        beside.notes.append(
            f"{size.rounds} rounds of {GUIDES} guides, one after the other; the limit is changed at the fifth. The "
            "longest stop is the time in which the relay took no mail of the campaign. Refused: connections too many."
        )
        return [beside]


@dataclass
class _Round:
    """Measurements of consecutive guides during a campaign."""

    waits: list[float]
    stop: float
    mails: int
    stages: Counter[Stage]
    refused: int


def _row(most: int, then: int, rounds: list[_Round]) -> list[str]:
    waits = [wait for one in rounds for wait in one.waits]
    stages = sum((one.stages for one in rounds), Counter[Stage]())
    return [
        str(most), str(then or "–"), f"{percentile(waits, 50) * 1000:.0f}", f"{percentile(waits, 99) * 1000:.0f}",
        f"{max(waits) * 1000:.0f}", f"{max(one.stop for one in rounds):.1f}", f"{sum(one.mails for one in rounds):,}",
        str(stages[Stage.LOST_AFTER]), str(stages[Stage.LOST_BEFORE] + stages[Stage.REJECTED]),
        str(sum(one.refused for one in rounds)),
    ]  # fmt: skip


def _beside(redis: str, most: int, then: int) -> _Round:
    Redis.from_url(redis).flushall()
    waits = []
    with FaultServer(connection_limit=most, delay=SLOW) as relay, _watched(relay) as stops:
        campaign = [Worker(redis, relay.port, range(first, first + 10**6)) for first in (10**6, 10**8)]
        for one in campaign:
            one.start()
        for number in range(GUIDES):
            if then and number == GUIDES // 4:
                relay.connection_limit = then
            waits.append(_guide(redis, relay.port, number))
            time.sleep(PAUSE)
        for one in campaign:
            one.stopped = True
        for one in campaign:
            one.join()
        stages = sum((one.kept.stages for one in campaign), Counter[Stage]())
        return _Round(waits, max(stops), relay.received.total(), stages, relay.turned_away)


def _guide(redis: str, port: int, number: int) -> float:
    """Seconds until a guide was accepted, including the connection; 99 if it was not."""
    began = time.monotonic()
    guide = Worker(redis, port, range(number, number + 1), urgent=True)
    guide.start()
    guide.join()
    return time.monotonic() - began if guide.kept.stages[Stage.ACCEPTED] else 99.0


@contextmanager
def _watched(relay: FaultServer) -> Iterator[list[float]]:
    """Records, in seconds, the gaps in which the relay accepted no campaign mail."""
    stops, over = [0.0], threading.Event()

    def watch() -> None:
        seen, since = 0, time.monotonic()
        while not over.wait(0.02):
            taken = relay.received.total() - sum(relay.received[_name(number)] for number in range(GUIDES))
            if taken > seen:
                stops.append(time.monotonic() - since)
                seen, since = taken, time.monotonic()
        stops.append(time.monotonic() - since)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield stops
    finally:
        over.set()
        thread.join()


@contextmanager
def private_redis() -> Iterator[str]:
    """The URL of a private Redis."""
    with tempfile.TemporaryDirectory(prefix="rl") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.kill()
