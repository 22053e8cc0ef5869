"""Relays that end sessions, refuse for reasons of their own, or are slow: counts of what became of everybody."""

import time

import pytest

from newsletter.smtp import Stage
from newsletter.smtp.troubles import Trouble, trouble_of
from tests.fault_smtp import Fault, FaultServer
from tests.smtp.sending import MODES, deliver, recipient, send, several, stages, transport


@pytest.mark.parametrize("mode", MODES)
def test_a_relay_that_takes_so_many_messages_in_a_session(mode: str) -> None:
    with FaultServer(session_limit=10, **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=4&pipeline=8"), count=300)
        assert stages(results) == {Stage.ACCEPTED: 300}
        # All but the first few connections said goodbye by themselves, before the relay did.
        assert 30 <= server.connections <= 40
        assert server.commands.count("QUIT") >= 20


@pytest.mark.parametrize("mode", MODES)
def test_a_relay_that_refuses_what_is_too_many_for_a_session_and_stays(mode: str) -> None:
    """OpenSMTPD as it comes, after a hundred; the session goes on, and is of no more use."""
    words = "452 4.5.3 Too many recipients: Too many messages sent"
    with FaultServer(session_limit=10, session_words=words, **MODES[mode]) as server:
        sender = transport(server, "connections=4&pipeline=8", clock=time.monotonic)
        outcomes = deliver(server, sender, count=300, keep=True)
        refusals = sender.refusals()
        sender.close()
        assert stages(outcomes) == {Stage.ACCEPTED: 300}
        assert refusals == [], "the relay is well"
        assert 30 <= server.connections <= 40


@pytest.mark.parametrize("mode", MODES)
def test_a_relay_that_has_had_too_much_before_the_first_message_waits(mode: str) -> None:
    """The same words in a session's first reply are about more than the session."""
    with FaultServer([Fault("mail", "reply", nth=0, text="452 4.5.3 Too many messages sent")], **MODES[mode]) as server:
        outcomes = deliver(server, transport(server, "connections=2"), count=20)
        assert stages(outcomes) == {Stage.RELAY: 20}
        assert server.connections <= 4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("goodbye", ["421 4.3.2 closing", "421 4.7.0 Error: too many errors"])
def test_a_storm_of_421(mode: str, goodbye: str) -> None:
    storm = [Fault("mail", "reply-close", nth=7, every=True, text=goodbye),
             Fault("dot", "reply-close", nth=31, every=True, text=goodbye),
             Fault("rcpt", "reply", nth=11, every=True, text="451 4.3.0 later")]  # fmt: skip
    with FaultServer(storm, **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=4&pipeline=8"), count=200)
    count = stages(results)
    assert count[Stage.LOST_AFTER] == count[Stage.LOST_BEFORE] == 0
    assert count[Stage.ACCEPTED] + count[Stage.REJECTED] == 200
    assert count[Stage.REJECTED] <= 200 // 8


@pytest.mark.parametrize("mode", MODES)
def test_a_relay_that_takes_so_many_messages_a_second(mode: str) -> None:
    with FaultServer(rate=(20, 0.7), **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=3&pipeline=4"), count=60)
    assert stages(results) == {Stage.ACCEPTED: 60}


@pytest.mark.parametrize("mode", ["data", "bdat"])
def test_a_rate_that_is_refused_in_the_first_session_is_waited_for(mode: str) -> None:
    """The refusal is known while replies behind it are still due, and before any session has ended."""
    slow = Fault("rcpt", "late", nth=21, seconds=0.1)
    with FaultServer([slow], rate=(20, 0.5), **MODES[mode]) as server:
        outcomes = deliver(server, transport(server, "connections=1&pipeline=4"), count=30)
    assert stages(outcomes) == {Stage.ACCEPTED: 30}


@pytest.mark.parametrize("mode", ["lockstep", "lockstep-bdat"])
def test_a_rate_that_is_refused_to_a_newcomer_is_waited_for(mode: str) -> None:
    """A connection whose first reply is a refusal has taken nothing itself; what the others took still counts."""
    faults = [
        Fault("banner", "late", nth=2, seconds=0.2),
        Fault("rcpt", "late", nth=2, seconds=0.5),
        Fault("mail", "reply", nth=3, text="450 4.7.1 Error: too much mail from 127.0.0.1"),
    ]
    with FaultServer(faults, **MODES[mode]) as server:
        outcomes = deliver(server, transport(server, "connections=2"), count=10)
        assert {struck[:2] for struck in server.struck} == {("banner", "late"), ("rcpt", "late"), ("mail", "reply")}
    assert stages(outcomes) == {Stage.ACCEPTED: 10}


@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_is_the_relays_own_trouble(mode: str) -> None:
    full = Fault("mail", "reply", nth=0, text="452 4.3.1 Insufficient system storage")
    with FaultServer([full], **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=3"), count=40)
    assert {(one.stage, one.code, one.at_command) for one in results.values()} == {(Stage.RELAY, 452, "MAIL")}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ("rcpt", "553 5.7.1 <a@example.com>: Sender address rejected: not owned by user jane"),
        ("dot", "554 Message rejected: Email address is not verified."),
        ("dot", "550 5.4.5 Daily user sending limit exceeded."),
        ("mail", "454 Throttling failure: Daily message quota exceeded"),
        ("mail", "550 5.7.1 not you"),
    ],
)
def test_what_a_relay_refuses_for_its_own_reasons_goes_to_the_other_one(mode: str, stage: str, text: str) -> None:
    own = Fault(stage, "reply", nth=0, text=text)  # type: ignore[arg-type]
    with FaultServer([own], **MODES[mode]) as refusing, FaultServer(**MODES[mode]) as well:
        results = send(several(refusing, well, options=("connections=2", "connections=2")), 100)
        assert stages(results) == {Stage.ACCEPTED: 100}
        assert well.accepted.total() == 100
    with FaultServer([own], **MODES[mode]) as refusing:
        results = deliver(refusing, transport(refusing, "connections=2"), count=100)
        assert stages(results) == {Stage.RELAY: 100}
        one = results[100]
        assert trouble_of(one.code, one.enhanced, one.text, one.at_command) in (
            Trouble.SENDER, Trouble.QUOTA, Trouble.REFUSED
        )  # fmt: skip
        assert sum(command.startswith("MAIL") for command in refusing.commands) <= 16


@pytest.mark.parametrize("mode", ["data", "bdat"])
def test_a_server_that_hangs_up_leaves_no_more_uncertain_with_chunks(mode: str) -> None:
    hang_up = Fault("dot", "reset", nth=50, every=True)
    with FaultServer([hang_up], **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=1&pipeline=8"), count=1000)
    count = stages(results)
    # One for each hang-up; the first may leave all that was in flight.
    assert count[Stage.LOST_AFTER] <= 1000 // 50 + 8
    assert count[Stage.ACCEPTED] + count[Stage.LOST_AFTER] == 1000


@pytest.mark.parametrize("mode", MODES)
def test_of_two_relays_the_slow_one_does_not_set_the_pace(mode: str) -> None:
    with FaultServer(delay=0.2, **MODES[mode]) as slow, FaultServer(**MODES[mode]) as fast:
        results = send(several(slow, fast, options=("connections=2&pipeline=1", "connections=2")), 400)
        assert stages(results) == {Stage.ACCEPTED: 400}
        assert fast.accepted.total() >= 350


def test_a_relay_that_allows_few_connections_is_not_called_ill() -> None:
    with FaultServer(connection_limit=2) as server:
        results = deliver(server, transport(server, "connections=8"), count=300)
        assert stages(results) == {Stage.ACCEPTED: 300}
        assert server.most_open <= 2
        assert server.turned_away <= 8


def test_refused_recipients_leave_few_in_flight() -> None:
    everybody = [recipient(key) for key in range(1, 101)]
    with FaultServer(bounces=everybody, **MODES["bdat"]) as server:
        results = deliver(server, transport(server, "connections=1&pipeline=8"), count=100)
    assert stages(results) == {Stage.REJECTED: 100}
