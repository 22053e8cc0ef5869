"""Relays that fail, recover and share the work."""

import socket
import time

import pytest

from newsletter.smtp import Relay, SmtpTransport, Stage, parse_relays
from tests.fault_smtp import Fault, FaultServer
from tests.smtp.sending import MODES, deliver, send, several, stages, transport


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_with_all_relays_down_everybody_is_answered_at_once() -> None:
    relays = parse_relays(f"smtp://127.0.0.1:{closed_port()},smtp://127.0.0.1:{closed_port()}")
    results = send(SmtpTransport(relays, helo="client.example"), 1000)
    assert stages(results) == {Stage.RELAY: 1000}
    assert {(result.at_command, result.code) for result in results.values()} == {("connect", 0)}


def test_the_others_take_the_share_of_a_relay_that_fails() -> None:
    with FaultServer([Fault("banner", "reply-close", nth=0)]) as bad, FaultServer() as good:
        results = send(several(bad, good), 50)
        assert stages(results) == {Stage.ACCEPTED: 50}
        assert good.received.total() == 50


def test_a_relay_that_dies_in_the_middle_is_left_alone() -> None:
    faults = [Fault("mail", "vanish", nth=20), Fault("banner", "vanish", nth=2)]
    with FaultServer(faults) as bad, FaultServer() as good:
        results = send(several(bad, good, options=("connections=1", "connections=1")), 200)
        count = stages(results)
    assert count[Stage.LOST_BEFORE] <= 1
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
        results = deliver(server, transport(server, clock=lambda: 0.0), count=50)
    assert stages(results) == {Stage.LOST_BEFORE: 3, Stage.RELAY: 47}


def test_a_server_that_takes_few_connections_is_not_asked_for_more() -> None:
    faults = [Fault("banner", "reply-close", nth=n, text="421 too many connections") for n in range(3, 60)]
    with FaultServer(faults) as server:
        results = deliver(server, transport(server, "connections=8"), count=300)
        assert stages(results) == {Stage.ACCEPTED: 300}
        assert server.connections <= 8


def test_a_refusal_that_comes_before_others_are_greeted_ends_nothing() -> None:
    """The relay is slow to greet the two that it takes, and quick to refuse the third."""
    faults = [
        *(Fault("banner", "late", nth=n, seconds=0.3) for n in (1, 2)),
        *(Fault("banner", "reply-close", nth=n, text="421 4.3.2 not now") for n in range(3, 60)),
    ]
    with FaultServer(faults) as server:
        outcomes = deliver(server, transport(server, "connections=8", clock=time.monotonic), count=300)
        assert stages(outcomes) == {Stage.ACCEPTED: 300}


def test_refusals_and_welcomes_in_turns_leave_a_connection() -> None:
    """What has been let in is not given up for those whose refusal is still on its way."""
    welcomed = [Fault("banner", "late", nth=n, seconds=0.1 * n) for n in (1, 2)]
    refused = [Fault("banner", "reply-close", nth=n, text="421 too many connections", wait=0.05 + 0.1 * (n - 3))
               for n in range(3, 60)]  # fmt: skip
    with FaultServer([*welcomed, *refused]) as server:
        outcomes = deliver(server, transport(server, "connections=8"), count=300)
        assert stages(outcomes) == {Stage.ACCEPTED: 300}
        assert server.connections <= 8


@pytest.mark.parametrize("mode", MODES)
def test_weights(mode: str) -> None:
    with FaultServer(**MODES[mode]) as heavy, FaultServer(**MODES[mode]) as light:
        options = ("weight=3&connections=2", "weight=1&connections=2")
        results = send(several(light, heavy, options=options[::-1]), 1024)
        assert stages(results) == {Stage.ACCEPTED: 1024}
        assert heavy.received.total() == pytest.approx(768, abs=40)


def test_weights_over_many_small_sends() -> None:
    with FaultServer() as first, FaultServer() as second:
        sender = several(first, second, options=("connections=2", "connections=2"))
        for key in range(1, 201):
            assert stages(send(sender, 1, first=key, keep=True)) == {Stage.ACCEPTED: 1}
        sender.close()
        assert first.received.total() == pytest.approx(100, abs=40)
        assert first.connections == second.connections == 1


def test_a_second_address_is_tried() -> None:
    with FaultServer() as server:
        # "localhost" may be ::1 first, where nobody listens.
        relay = Relay.parse(f"smtp://localhost:{server.port}?connections=1")
        sender = SmtpTransport([relay], helo="client.example")
        assert stages(send(sender, 3)) == {Stage.ACCEPTED: 3}


def test_a_host_without_address_is_a_relay_failure() -> None:
    sender = SmtpTransport([Relay.parse("smtp://nowhere.invalid")], helo="client.example")
    result = send(sender, 1)[1]
    assert (result.stage, result.at_command, result.relay) == (Stage.RELAY, "connect", "nowhere.invalid:25")
