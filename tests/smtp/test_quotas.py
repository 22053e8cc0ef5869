"""Relays that may be given only so many messages."""

from collections.abc import Iterator

from newsletter.smtp import Envelope, Stage
from tests.fault_smtp import FaultServer
from tests.smtp.sending import Ledger, envelope, several, stages


def _refilled(quotas: dict[str, int], names: list[str], step: int, steps: int) -> Iterator[Envelope]:
    """Messages that bring their own quota, a step at a time, as a batch under limits does."""
    for start in range(steps):
        for name in names:
            quotas[name] += step
        yield from (envelope(key) for key in range(1 + start * step, 1 + (start + 1) * step))


def test_a_relay_gets_its_quota_and_the_other_the_rest() -> None:
    with FaultServer() as one, FaultServer() as other:
        quotas = {f"127.0.0.1:{one.port}": 5}
        ledger, sender = Ledger(), several(one, other)
        for _ in sender.send(map(envelope, range(1, 101)), ledger, quotas=quotas):
            pass
        sender.close()
    assert (one.accepted.total(), other.accepted.total()) == (5, 95)
    assert set(quotas.values()) == {0}


def test_quota_that_comes_with_the_envelopes_is_used_to_the_last() -> None:
    with FaultServer() as one, FaultServer() as other:
        quotas = {f"127.0.0.1:{server.port}": 0 for server in (one, other)}
        names = list(quotas)
        ledger, sender = Ledger(), several(one, other)
        for _ in sender.send(_refilled(quotas, names[:1], 20, 5), ledger, quotas=quotas):
            pass
        sender.close()
    assert (one.accepted.total(), other.accepted.total()) == (100, 0)
    assert stages(ledger.known) == {Stage.ACCEPTED: 100}


def test_what_no_quota_covers_is_given_back_at_once() -> None:
    with FaultServer() as one, FaultServer() as other:
        quotas = {f"127.0.0.1:{one.port}": 3, f"127.0.0.1:{other.port}": 4}
        ledger, sender = Ledger(), several(one, other)
        for _ in sender.send(map(envelope, range(1, 21)), ledger, quotas=quotas):
            pass
        sender.close()
    told = stages(ledger.known)
    assert told[Stage.ACCEPTED] == one.accepted.total() + other.accepted.total() == 7
    assert set(told) <= {Stage.ACCEPTED, Stage.RELAY}
