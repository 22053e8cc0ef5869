"""Relays that keep us waiting, talk nonsense, or live at an address that swallows everything."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from newsletter.smtp import Relay, SmtpResult, SmtpTransport, Stage, Timeouts, resolver
from newsletter.smtp.allowance import OwnAllowances
from newsletter.smtp.encryption import PLAIN
from newsletter.smtp.greeting import Refused
from newsletter.smtp.relay_state import BACKOFF, RelayState
from tests.fault_smtp import Fault, FaultServer
from tests.smtp.sending import Ledger, envelope, send, several, stages, transport
from tests.smtp.test_security import Contexts, contexts, only

__all__ = ["contexts"]


@pytest.mark.parametrize(
    ("stage", "text"), [("ehlo", "250-mx\r\n250 PIPELINING\r\n421 4.3.2 bye"), ("ehlo", "250 mx\r\nnonsense")]
)
def test_words_that_nobody_asked_for_are_a_failure_and_no_reason_to_connect_for_ever(stage: str, text: str) -> None:
    now = [1000.0]
    with FaultServer([Fault(stage, "reply", nth=0, text=text)]) as server:  # type: ignore[arg-type]
        sender = transport(server, clock=lambda: now[0])
        assert stages(send(sender, 5, keep=True)) == {Stage.RELAY: 5}
        assert server.connections <= 3
        assert stages(send(sender, 5, first=11)) == {Stage.RELAY: 5}
        assert server.connections <= 3  # it is left alone for a while


@pytest.mark.parametrize("stage", ["banner", "ehlo"])
def test_a_silent_relay_does_not_keep_mail_from_another_one(stage: str) -> None:
    with FaultServer([Fault(stage, "hang", nth=0)]) as silent, FaultServer() as good:  # type: ignore[arg-type]
        sender = several(silent, good)
        for first in (1, 11):  # and at the next call it is known
            assert stages(send(sender, 1, first=first, keep=True)) == {Stage.ACCEPTED: 1}
        sender.close()
        assert good.received.total() == 2
        assert silent.connections <= 2


def test_a_connection_that_nobody_listened_to_between_two_calls_is_not_called_silent() -> None:
    now = [1000.0]
    with FaultServer() as server:
        sender = transport(server, "connections=4", clock=lambda: now[0])
        (state,) = sender._states
        sender._connections.open(state, now[0])  # one more than was needed, as at the end of a call
        assert sender._connections.poller.wait(5.0)
        now[0] += 3
        assert stages(send(sender, 1)) == {Stage.ACCEPTED: 1}
        assert state.retry_at == float("-inf")


@pytest.fixture
def black_hole() -> Iterator[tuple[str, int]]:
    """An address that answers nothing: its queue of connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_where_the_first_address_swallows_everything_the_next_one_is_tried_and_remembered(
    black_hole: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer() as server:
        places = [(socket.AF_INET, black_hole), (socket.AF_INET, ("127.0.0.1", server.port))]
        monkeypatch.setattr(resolver, "resolve", lambda host, port: list(places))
        relay = Relay.parse("smtp://mx.example?connections=1")
        sender = SmtpTransport([relay], helo="client.example", timeouts=Timeouts(connect=0.2, look_every=0.01))
        assert stages(send(sender, 3, keep=True)) == {Stage.ACCEPTED: 3}
        assert sender._states[0].resolver.addresses(0.0) == places[::-1]
        sender.close()


def test_connections_that_fail_together_are_one_failure() -> None:
    state = RelayState(Relay.parse("smtp://mx.example"), OwnAllowances())
    for _ in range(20):
        state.failed(Refused(421, "too many connections", "banner"), 1000.0)
    assert state.retry_at == 1000.0 + BACKOFF
    state.failed(Refused(421, "too many connections", "banner"), state.retry_at)
    assert state.retry_at == 1000.0 + BACKOFF + 2 * BACKOFF


def _one(sender: SmtpTransport, key: int) -> SmtpResult:
    ledger = Ledger()
    for _ in sender.send([envelope(key)], ledger):
        pass
    return only(ledger.known)


def test_starttls_that_failed_once_is_tried_again_later(contexts: Contexts) -> None:
    now = [1000.0]
    with FaultServer([Fault("starttls", "reply", text="454 4.7.0 not now")], tls=contexts[0]) as server:
        sender = transport(server, clock=lambda: now[0])
        _one(sender, 1)
        now[0] += PLAIN + 31  # and the connection was idle too long
        _one(sender, 2)
        sender.close()
        assert [arrived.encrypted for arrived in server.messages] == [False, True]


def test_a_relay_that_insists_on_tls_gets_it_though_it_failed_before(contexts: Contexts) -> None:
    now = [1000.0]
    faults = [Fault("starttls", "reply", text="454 4.7.0 not now"), Fault("mail", "reply", text="530 5.7.0 STARTTLS")]
    with FaultServer(faults, tls=contexts[0]) as server:
        sender = transport(server, clock=lambda: now[0])
        assert _one(sender, 1).stage is Stage.RELAY
        now[0] += 61
        assert _one(sender, 2).stage is Stage.ACCEPTED
        sender.close()
        assert [arrived.encrypted for arrived in server.messages] == [True]


def test_a_handshake_that_hangs_is_a_handshake_that_failed() -> None:
    with FaultServer([Fault("banner", "hang", nth=0)]) as server:
        sender = transport(server)
        sender._connections.open(sender._states[0], 0.0)
        (link,) = sender._connections.links
        link.connecting, link.channel.shaking = False, True
        sender._give_up(link, "timed out", 0.0)
        assert link.connection.failure is not None
        assert link.connection.failure.at_command == "TLS"  # so that it goes on without, where that is allowed
        sender.close()
