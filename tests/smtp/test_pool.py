"""The transport as a whole: relays, shares, laziness, stopping, connections kept and given up."""

import os
import time
from collections.abc import Iterator, Sequence

import pytest

from newsletter.smtp import Envelope, Relay, SentList, SmtpResult, SmtpTransport, Stage, Timeouts
from tests.fault_smtp import Fault, FaultServer
from tests.smtp.sending import (
    MODES,
    Ledger,
    check,
    deliver,
    envelope,
    recipient,
    send,
    stages,
    transport,
)


@pytest.mark.parametrize("mode", MODES)
def test_everybody_gets_one(mode: str) -> None:
    with FaultServer(**MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=5&pipeline=4"), count=200)
        assert stages(results) == {Stage.ACCEPTED: 200}
        assert 1 < server.connections <= 5  # a fast server may have answered all before the fifth is open


def test_one_message_needs_one_connection_and_the_next_uses_it_again() -> None:
    with FaultServer() as server:
        sender = transport(server, "connections=8")
        for key in range(1, 6):
            deliver(server, sender, count=1, first=key, keep=True)
        sender.close()
        assert server.connections == 1
        assert server.commands[-1] == "QUIT"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("mode", MODES)
def test_a_send_ends_with_its_last_reply(mode: str) -> None:
    """Were anything left to the next look at the deadlines, this would take an hour."""
    patient = Timeouts(3600, 3600, 3600, 3600, 3600, 3600, look_every=3600)
    with FaultServer(**MODES[mode]) as server:
        sender = transport(server, "connections=3", timeouts=patient)
        for first, count in ((1, 1), (11, 2), (21, 50)):
            assert stages(deliver(server, sender, count, first, keep=True)) == {Stage.ACCEPTED: count}
        sender.close()


def test_envelopes_are_pulled_only_when_they_can_go_out() -> None:
    pulled = []

    def source() -> Iterator[Envelope]:
        for key in range(1, 101):
            pulled.append(key)
            yield envelope(key)

    answered = 0
    with FaultServer() as server:
        sender = transport(server, "connections=2")
        for some in sender.send(source(), Ledger()):
            answered += len(some)
            assert len(pulled) - answered <= 2 * 2
        sender.close()
    assert answered == len(pulled) == 100


@pytest.mark.parametrize("mode", MODES)
def test_stopping_finishes_what_was_pulled(mode: str) -> None:
    ledger, pulled = Ledger(), []

    def source() -> Iterator[Envelope]:
        for key in range(1, 1001):
            pulled.append(key)
            yield envelope(key)

    with FaultServer(**MODES[mode]) as server:
        sender = transport(server, "connections=2")
        for _ in sender.send(source(), ledger, stop=lambda: len(ledger.known) >= 20):
            pass
        sender.close()
        check(server, ledger)
    assert sorted(ledger.known) == pulled
    assert 20 <= len(pulled) < 200
    assert stages(ledger.known) == {Stage.ACCEPTED: len(pulled)}


def test_nothing_to_send_opens_nothing() -> None:
    with FaultServer() as server:
        sender = transport(server)
        assert list(sender.send([], Ledger())) == []
        assert list(sender.send([envelope(1)], Ledger(), stop=lambda: True)) == []
        sender.close()
        assert server.connections == 0


@pytest.mark.parametrize("mode", MODES)
def test_many_refusals_use_many_connections_and_lose_nobody(mode: str) -> None:
    bounces = {recipient(key) for key in range(1, 201) if key % 3}
    with FaultServer(bounces=bounces, **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=2"), count=200)
    assert stages(results) == {Stage.ACCEPTED: 66, Stage.REJECTED: 134}


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_hangs_up_on_rset(mode: str) -> None:
    faults = [Fault("rset", "reply-close", nth=0, text="554 too many nonmail commands")]
    with FaultServer(faults, bounces={recipient(5), recipient(9)}, **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=1&pipeline=1"), count=20)
    count = stages(results)
    assert count[Stage.REJECTED] == 2
    # A whole message may have left right behind the RSET: only then is anything uncertain.
    assert count[Stage.LOST_AFTER] <= (2 if mode == "bdat" else 0)
    assert count[Stage.ACCEPTED] + count[Stage.LOST_AFTER] == 18


def test_leaving_early_writes_down_what_was_in_flight() -> None:
    ledger = Ledger()
    with FaultServer([Fault("dot", "hang", nth=10)]) as server:
        sender = transport(server)
        sending = sender.send(map(envelope, range(1, 100)), ledger)
        for some in sending:
            if any(result.key == 8 for result in some):
                break
        sending.close()  # type: ignore[attr-defined]
        sender.close()
        assert set(ledger.handed) <= set(ledger.known)
        assert all(result.stage is Stage.ACCEPTED for key, result in ledger.known.items() if key < 9)
        for key in server.received:
            assert ledger.known[int(key[6:].partition("@")[0])].stage in (Stage.ACCEPTED, Stage.LOST_AFTER)


@pytest.mark.parametrize("mode", MODES)
def test_what_the_journal_does_not_take_never_leaves(mode: str) -> None:
    class Full(Ledger):
        def sending(self, keys: Sequence[int]) -> None:
            if 5 in keys:
                raise OSError("no space left")
            super().sending(keys)

    with FaultServer(**MODES[mode]) as server:
        sender = transport(server, "connections=1&pipeline=2")
        with pytest.raises(OSError, match="no space"):
            list(sender.send(map(envelope, range(1, 10)), Full()))
        sender.close()
    assert server.received[recipient(5)] == 0
    assert set(server.received) <= {recipient(key) for key in range(1, 5)}


def test_only_one_send_at_a_time() -> None:
    with FaultServer() as server:
        sender = transport(server)
        sending = sender.send(map(envelope, range(1, 9)), Ledger())
        next(sending)
        with pytest.raises(RuntimeError):
            next(sender.send([envelope(9)], Ledger()))
        assert len([result for some in sending for result in some]) >= 1
        sender.close()


def test_a_child_process_leaves_its_parents_connections_alone() -> None:
    with FaultServer() as server:
        sender = transport(server)
        deliver(server, sender, count=1, keep=True)
        child = os.fork()
        if not child:
            done = send(sender, 1, first=2)
            os._exit(0 if done[2].stage is Stage.ACCEPTED else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0
        deliver(server, sender, count=1, first=3)
        assert server.connections == 2
        assert server.commands.count("QUIT") == 2


def test_a_full_socket_is_waited_for() -> None:
    big = b"Subject: big\r\n\r\n" + (b"x" * 70 + b"\r\n") * 60000
    for mode in MODES.values():
        with FaultServer(**mode) as server:
            sender = transport(server, clock=time.monotonic)
            some = [Envelope(key, "a@example.org", recipient(key), big, stuffed_safe=True) for key in range(1, 4)]
            ledger = Ledger()
            list(sender.send(some, ledger))
            sender.close()
            assert stages(ledger.known) == {Stage.ACCEPTED: 3}
            assert [arrived.data for arrived in server.messages] == [big] * 3


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="no relay"):
        SmtpTransport([], helo="client.example")
    with pytest.raises(ValueError, match="helo"):
        SmtpTransport([Relay.parse("smtp://mx.example")], helo="client example\r\n")


def test_the_list_keeps_everything() -> None:
    kept, ledger = SentList(), Ledger()
    assert [o.key for some in kept.send(map(envelope, range(1, 4)), ledger) for o in some] == [1, 2, 3]
    assert kept.envelopes == [envelope(key) for key in range(1, 4)]
    assert ledger.handed == [1, 2, 3]
    refusing = SentList(lambda e: SmtpResult(e.key, Stage.REJECTED, 550, "5.1.1", "no", "memory:0", "RCPT"))
    assert next(refusing.send([envelope(1)], Ledger()))[0].code == 550
    refusing.close()
    assert refusing.closed


def test_of_a_connection_that_is_lost_nothing_more_is_written() -> None:
    with FaultServer() as server:
        sending = transport(server, "connections=1")
        deliver(server, sending, count=1, keep=True)
        (link,) = sending._connections.links
        # With TLS octets may be encrypted that the kernel has not taken: those of a message told as never sent.
        link.channel._cipher = memoryview(b"the rest of a message")
        assert link.writes
        link.connection.lose("abandoned by the sender")
        assert not link.writes
        sending.close()
