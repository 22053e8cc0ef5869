"""The transport as a whole: relays, shares, laziness, stopping, connections kept and given up."""

import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from newsletter.mail.transport import Envelope, Outcome, Relay, SentList, SmtpTransport, Stage, Timeouts, parse_relays
from tests.fault_smtp import Fault, FaultServer
from tests.mail.transport.sending import MODES, Ledger, check, deliver, letter, recipient, transport


def several(*servers: FaultServer, options: Sequence[str] = ("", ""), **more: object) -> SmtpTransport:
    urls = [f"smtp://127.0.0.1:{server.port}?{option}" for server, option in zip(servers, options, strict=True)]
    return SmtpTransport(parse_relays(",".join(urls)), helo="client.example", **more)  # type: ignore[arg-type]


def send(sender: SmtpTransport, count: int, first: int = 1, *, keep: bool = False) -> dict[int, Outcome]:
    ledger = Ledger()
    for _ in sender.send(map(letter, range(first, first + count)), ledger):
        pass
    if not keep:
        sender.close()
    return ledger.known


def stages(outcomes: dict[int, Outcome]) -> Counter[Stage]:
    return Counter(outcome.stage for outcome in outcomes.values())


@pytest.mark.parametrize("mode", MODES)
def test_everybody_gets_one(mode: str) -> None:
    with FaultServer(**MODES[mode]) as server:
        outcomes = deliver(server, transport(server, "connections=5&pipeline=4"), count=200)
        assert stages(outcomes) == {Stage.ACCEPTED: 200}
        assert server.connections == 5


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
            yield letter(key)

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
            yield letter(key)

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
        assert list(sender.send([letter(1)], Ledger(), stop=lambda: True)) == []
        sender.close()
        assert server.connections == 0


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_with_all_relays_down_everybody_is_answered_at_once() -> None:
    relays = parse_relays(f"smtp://127.0.0.1:{closed_port()},smtp://127.0.0.1:{closed_port()}")
    outcomes = send(SmtpTransport(relays, helo="client.example"), 1000)
    assert stages(outcomes) == {Stage.RELAY: 1000}
    assert {(outcome.at_command, outcome.code) for outcome in outcomes.values()} == {("connect", 0)}


def test_the_others_take_the_share_of_a_relay_that_fails() -> None:
    with FaultServer([Fault("banner", "reply-close", nth=0)]) as bad, FaultServer() as good:
        outcomes = send(several(bad, good), 50)
        assert stages(outcomes) == {Stage.ACCEPTED: 50}
        assert good.received.total() == 50


def test_a_relay_that_dies_in_the_middle_is_left_alone() -> None:
    faults = [Fault("mail", "vanish", nth=20), Fault("banner", "vanish", nth=2)]
    with FaultServer(faults) as bad, FaultServer() as good:
        outcomes = send(several(bad, good, options=("connections=1", "connections=1")), 200)
        count = stages(outcomes)
    assert count[Stage.LOST_BEFORE] in (1, 2)
    assert count[Stage.ACCEPTED] == 200 - count[Stage.LOST_BEFORE]
    assert (good.received + bad.received).total() == count[Stage.ACCEPTED]


def test_a_failed_relay_is_tried_again_later() -> None:
    now = [1000.0]
    with FaultServer([Fault("banner", "reply-close", nth=1)]) as server:
        sender = transport(server, clock=lambda: now[0])
        assert stages(send(sender, 3, keep=True)) == {Stage.RELAY: 3}
        assert stages(send(sender, 3, first=11, keep=True)) == {Stage.RELAY: 3}
        assert server.connections == 1
        now[0] += 2
        assert stages(send(sender, 3, first=21)) == {Stage.ACCEPTED: 3}


def test_a_relay_that_recovered_gets_all_its_connections_again() -> None:
    now = [1000.0]
    with FaultServer([Fault("banner", "reply-close", nth=1)]) as server:
        sender = transport(server, "connections=4", clock=lambda: now[0])
        assert stages(send(sender, 1, keep=True)) == {Stage.RELAY: 1}
        now[0] += 2
        assert stages(send(sender, 300, first=11)) == {Stage.ACCEPTED: 300}
        assert server.connections == 1 + 4


def test_a_relay_whose_connections_all_die_is_given_up_for_a_while() -> None:
    with FaultServer([Fault("mail", "vanish", nth=0)]) as server:
        outcomes = deliver(server, transport(server, clock=lambda: 0.0), count=50)
    assert stages(outcomes) == {Stage.LOST_BEFORE: 3, Stage.RELAY: 47}


@pytest.mark.parametrize("mode", MODES)
def test_many_refusals_use_many_connections_and_lose_nobody(mode: str) -> None:
    bounces = {recipient(key) for key in range(1, 201) if key % 3}
    with FaultServer(bounces=bounces, **MODES[mode]) as server:
        outcomes = deliver(server, transport(server, "connections=2"), count=200)
    assert stages(outcomes) == {Stage.ACCEPTED: 66, Stage.REJECTED: 134}


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_hangs_up_on_rset(mode: str) -> None:
    faults = [Fault("rset", "reply-close", nth=0, text="554 too many nonmail commands")]
    with FaultServer(faults, bounces={recipient(5), recipient(9)}, **MODES[mode]) as server:
        outcomes = deliver(server, transport(server, "connections=1&pipeline=1"), count=20)
    count = stages(outcomes)
    assert count[Stage.REJECTED] == 2
    # A whole message may have left right behind the RSET: only then is anything uncertain.
    assert count[Stage.LOST_AFTER] <= (2 if mode == "bdat" else 0)
    assert count[Stage.ACCEPTED] + count[Stage.LOST_AFTER] == 18


def test_a_server_that_takes_few_connections_is_not_asked_for_more() -> None:
    faults = [Fault("banner", "reply-close", nth=n, text="421 too many connections") for n in range(3, 60)]
    with FaultServer(faults) as server:
        outcomes = deliver(server, transport(server, "connections=8"), count=300)
        assert stages(outcomes) == {Stage.ACCEPTED: 300}
        assert server.connections <= 8


@pytest.mark.parametrize("mode", MODES)
def test_weights(mode: str) -> None:
    with FaultServer(**MODES[mode]) as heavy, FaultServer(**MODES[mode]) as light:
        options = ("weight=3&connections=2", "weight=1&connections=2")
        outcomes = send(several(light, heavy, options=options[::-1]), 1024)
        assert stages(outcomes) == {Stage.ACCEPTED: 1024}
        assert heavy.received.total() == pytest.approx(768, abs=40)


def test_weights_over_many_small_sends() -> None:
    with FaultServer() as first, FaultServer() as second:
        sender = several(first, second, options=("connections=2", "connections=2"))
        for key in range(1, 201):
            assert stages(send(sender, 1, first=key, keep=True)) == {Stage.ACCEPTED: 1}
        sender.close()
        assert first.received.total() == pytest.approx(100, abs=40)
        assert first.connections == second.connections == 1


def test_leaving_early_writes_down_what_was_in_flight() -> None:
    ledger = Ledger()
    with FaultServer([Fault("dot", "hang", nth=10)]) as server:
        sender = transport(server)
        sending = sender.send(map(letter, range(1, 100)), ledger)
        for some in sending:
            if any(outcome.key == 8 for outcome in some):
                break
        sending.close()  # type: ignore[attr-defined]
        sender.close()
        assert set(ledger.handed) <= set(ledger.known)
        assert all(outcome.stage is Stage.ACCEPTED for key, outcome in ledger.known.items() if key < 9)
        for key in server.received:
            assert ledger.known[int(key[6:].partition("@")[0])].stage in (Stage.ACCEPTED, Stage.LOST_AFTER)


@pytest.mark.parametrize("mode", MODES)
def test_what_the_journal_does_not_take_never_leaves(mode: str) -> None:
    class Full(Ledger):
        def handed_over(self, keys: Sequence[int]) -> None:
            if 5 in keys:
                raise OSError("no space left")
            super().handed_over(keys)

    with FaultServer(**MODES[mode]) as server:
        sender = transport(server, "connections=1&pipeline=2")
        with pytest.raises(OSError, match="no space"):
            list(sender.send(map(letter, range(1, 10)), Full()))
        sender.close()
    assert server.received[recipient(5)] == 0
    assert set(server.received) <= {recipient(key) for key in range(1, 5)}


def test_only_one_send_at_a_time() -> None:
    with FaultServer() as server:
        sender = transport(server)
        sending = sender.send(map(letter, range(1, 9)), Ledger())
        next(sending)
        with pytest.raises(RuntimeError):
            next(sender.send([letter(9)], Ledger()))
        assert len([outcome for some in sending for outcome in some]) >= 1
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


def test_a_second_address_is_tried() -> None:
    with FaultServer() as server:
        # "localhost" may be ::1 first, where nobody listens.
        relay = Relay.parse(f"smtp://localhost:{server.port}?connections=1")
        sender = SmtpTransport([relay], helo="client.example")
        assert stages(send(sender, 3)) == {Stage.ACCEPTED: 3}


def test_a_host_without_address_is_a_relay_failure() -> None:
    sender = SmtpTransport([Relay.parse("smtp://nowhere.invalid")], helo="client.example")
    outcome = send(sender, 1)[1]
    assert (outcome.stage, outcome.at_command, outcome.relay) == (Stage.RELAY, "connect", "nowhere.invalid:25")


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
    assert [o.key for some in kept.send(map(letter, range(1, 4)), ledger) for o in some] == [1, 2, 3]
    assert kept.envelopes == [letter(key) for key in range(1, 4)]
    assert ledger.handed == [1, 2, 3]
    refusing = SentList(lambda e: Outcome(e.key, Stage.REJECTED, 550, "5.1.1", "no", "memory:0", "RCPT"))
    assert next(refusing.send([letter(1)], Ledger()))[0].code == 550
    refusing.close()
    assert refusing.closed
