"""Sends a handful of messages and checks what must hold whatever the server does."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from newsletter.smtp import Envelope, Relay, SmtpResult, SmtpTransport, Stage, Timeouts, parse_relays
from tests.fault_smtp import FaultServer

MODES: dict[str, dict[str, Any]] = {
    "data": {"pipelining": True, "chunking": False},
    "bdat": {"pipelining": True, "chunking": True},
    "lockstep": {"pipelining": False, "chunking": False},
    "lockstep-bdat": {"pipelining": False, "chunking": True},
}


class Ledger:
    """A journal that remembers, and refuses what no journal may be told."""

    def __init__(self) -> None:
        self.handed: list[int] = []
        self.known: dict[int, SmtpResult] = {}

    def sending(self, keys: Sequence[int]) -> None:
        for key in keys:
            assert key not in self.handed
            assert key not in self.known
            self.handed.append(key)

    def requeued(self, keys: Sequence[int]) -> None:
        for key in keys:
            self.handed.remove(key)
            assert key not in self.known

    def results(self, results: Sequence[SmtpResult]) -> None:
        for result in results:
            assert result.key not in self.known
            if result.stage in (Stage.ACCEPTED, Stage.LOST_AFTER):
                assert result.key in self.handed
            self.known[result.key] = result


def recipient(key: int) -> str:
    return f"reader{key}@example.org"


def envelope(key: int) -> Envelope:
    data = f"Subject: {key}\r\n\r\n.dot\r\n..dots\r\n.\r\nEnd of {key}\r\n" + "x" * 70 + "\r\n"
    return Envelope(key, f"bounce-{key}@example.com", recipient(key), data.encode())


class LeapingClock:
    """A clock that leaps an hour once the server has made somebody wait for a moment.

    A moment, so that the client has noted all that came before; more leaps follow, should it have been slow at that.
    """

    def __init__(self, server: FaultServer) -> None:
        self.server = server
        self.began = 0.0

    def __call__(self) -> float:
        now = time.monotonic()
        if not self.server.dawdling.is_set():
            return now
        self.began = self.began or now
        return now + 3600 * sum(now - self.began > moment for moment in (0.05, 1.0, 4.0))


def transport(
    server: FaultServer, options: str = "connections=1", *, scheme: str = "smtp", user: str = "", **more: Any
) -> SmtpTransport:
    """A transport that looks at its deadlines often, by a leaping clock."""
    relay = Relay.parse(f"{scheme}://{user}{server.host}:{server.port}?{options}")
    more.setdefault("timeouts", Timeouts(look_every=0.01))
    more.setdefault("clock", LeapingClock(server))
    return SmtpTransport([relay], helo="client.example", **more)


def deliver(
    server: FaultServer, sender: SmtpTransport, count: int = 12, first: int = 1, *, keep: bool = False
) -> dict[int, SmtpResult]:
    """Send messages first, first + 1, … and return their results, having checked them against the server's count."""
    ledger = Ledger()
    keys = range(first, first + count)
    yielded = [result for some in sender.send(map(envelope, keys), ledger) for result in some]
    if not keep:
        sender.close()
    assert sorted(result.key for result in yielded) == list(keys)
    assert ledger.known == {result.key: result for result in yielded}
    check(server, ledger)
    return ledger.known


def check(server: FaultServer, ledger: Ledger) -> None:
    """Nobody got two; who was accepted got one; who got one was never called safe to send again."""
    assert server.intruding == 0
    for key, result in ledger.known.items():
        copies, promised = server.received[recipient(key)], server.accepted[recipient(key)]
        assert promised <= copies <= 1, result
        match result.stage:
            case Stage.ACCEPTED:
                assert promised == 1, result
            case Stage.LOST_BEFORE | Stage.RELAY:
                assert copies == 0, result
            case Stage.REJECTED:
                assert promised == 0, result
        if copies:
            assert key in ledger.handed
    for arrived in server.messages:
        assert all(arrived.data == envelope(int(name[6:].partition("@")[0])).data for name in arrived.recipients)


def several(*servers: FaultServer, options: Sequence[str] = ("", ""), **more: object) -> SmtpTransport:
    urls = [f"smtp://127.0.0.1:{server.port}?{option}" for server, option in zip(servers, options, strict=True)]
    return SmtpTransport(parse_relays(",".join(urls)), helo="client.example", **more)  # type: ignore[arg-type]


def send(sender: SmtpTransport, count: int, first: int = 1, *, keep: bool = False) -> dict[int, SmtpResult]:
    ledger = Ledger()
    for _ in sender.send(map(envelope, range(first, first + count)), ledger):
        pass
    if not keep:
        sender.close()
    return ledger.known


def stages(results: dict[int, SmtpResult]) -> Counter[Stage]:
    return Counter(result.stage for result in results.values())
