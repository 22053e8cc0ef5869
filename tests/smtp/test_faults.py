"""A server that fails at each stage, in each way of working: copies are counted for every recipient."""

import time

import pytest

from newsletter.smtp import SmtpResult, Stage
from tests.fault_smtp import Fault, FaultServer, What, Where
from tests.smtp.sending import MODES, deliver, envelope, recipient, transport

pytestmark = pytest.mark.parametrize("mode", MODES)

ACCEPTED, BEFORE, AFTER = Stage.ACCEPTED, Stage.LOST_BEFORE, Stage.LOST_AFTER


def counted(results: dict[int, SmtpResult], stage: Stage) -> int:
    return sum(result.stage is stage for result in results.values())


@pytest.mark.parametrize("action", ["vanish", "reset", "half", "hang"])
@pytest.mark.parametrize(
    ("stage", "expected"),
    [("mail", BEFORE), ("rcpt", BEFORE), ("data", BEFORE), ("content", BEFORE), ("dot", AFTER)],
)
def test_lost_at_each_stage(mode: str, stage: Where, action: What, expected: Stage) -> None:
    with FaultServer([Fault(stage, action, nth=5)], **MODES[mode]) as server:
        results = deliver(server, transport(server))
    struck = results[5]
    # Chunks leave together with their commands: the client cannot know how far the server had read.
    together = mode == "bdat" or (mode == "lockstep-bdat" and stage == "data") or stage == "content"
    # What has surely not been taken goes out on the next connection, unless it hung for minutes.
    if expected is BEFORE and action != "hang":
        expected = ACCEPTED
    assert struck.stage in ({ACCEPTED, BEFORE, AFTER} if together else {expected})
    assert struck.code == (250 if struck.stage is ACCEPTED else 0)
    # A reset throws away replies that were on their way: those messages are uncertain too.
    earlier = {results[key].stage for key in range(1, 5)}
    assert earlier <= ({Stage.ACCEPTED, AFTER} if mode == "bdat" else {Stage.ACCEPTED})
    assert counted(results, Stage.ACCEPTED) + counted(results, BEFORE) + counted(results, AFTER) == 12
    assert results[12].stage is Stage.ACCEPTED or mode == "bdat"


@pytest.mark.parametrize("action", ["vanish", "reset", "half", "hang"])
@pytest.mark.parametrize("stage", ["banner", "ehlo"])
def test_a_relay_that_never_gets_ready_takes_no_attempt(mode: str, stage: Where, action: What) -> None:
    with FaultServer([Fault(stage, action, nth=0)], **MODES[mode]) as server:
        results = deliver(server, transport(server), count=3)
    assert {result.stage for result in results.values()} == {Stage.RELAY}
    assert not server.received


@pytest.mark.parametrize(("stage", "at_command"), [("mail", "MAIL"), ("rcpt", "RCPT"), ("data", "DATA"), ("dot", ".")])
@pytest.mark.parametrize("code", [451, 552])
def test_a_refusal_is_one_messages_own(mode: str, stage: Where, at_command: str, code: int) -> None:
    if (stage, code) == ("mail", 451):
        pytest.skip("before any recipient is named it is the relay's own: see test_limits")
    text = f"{code} {code // 100}.3.4 not this one"
    with FaultServer([Fault(stage, "reply", nth=5, text=text)], **MODES[mode]) as server:
        results = deliver(server, transport(server))
    struck = results.pop(5)
    assert (struck.stage, struck.code, struck.enhanced) == (Stage.REJECTED, code, f"{code // 100}.3.4")
    assert struck.at_command == ("BDAT" if "bdat" in mode and stage in ("data", "dot") else at_command)
    assert {result.stage for result in results.values()} == {Stage.ACCEPTED}


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
def test_421_ends_the_session_and_costs_nobody_an_attempt(mode: str, stage: Where) -> None:
    with FaultServer([Fault(stage, "reply-close", nth=5)], **MODES[mode]) as server:
        results = deliver(server, transport(server))
        assert server.connections == 2
    assert counted(results, Stage.ACCEPTED) == 12


@pytest.mark.parametrize("stage", ["rcpt", "data", "dot"])
def test_a_message_that_421_answers_twice_has_been_tried(mode: str, stage: Where) -> None:
    only_it = Fault(stage, "reply-close", nth=0, recipient=recipient(5))
    with FaultServer([only_it], **MODES[mode]) as server:
        results = deliver(server, transport(server))
    assert (results[5].stage, results[5].code) == (Stage.REJECTED, 421)
    assert counted(results, Stage.ACCEPTED) == 11


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("garbage", ["hello", "999 what", "2x0 ok", "250 ok\r\n550 no", "x" * 9000])
def test_garbage_is_a_loss(mode: str, stage: Where, garbage: str) -> None:
    with FaultServer([Fault(stage, "reply", nth=3, text=garbage)], **MODES[mode]) as server:
        sender = transport(server)
        ledger_checked = garbage != "250 ok\r\n550 no"
        if ledger_checked:
            results = deliver(server, sender, count=6)
            assert results[3].code == 0
        else:
            # One reply too many shifts all that follow: nothing can be matched any more, but nobody gets two copies.
            stages = [o for some in sender.send(map(envelope, range(1, 7)), Deaf()) for o in some]
            sender.close()
            assert sorted(result.key for result in stages) == list(range(1, 7))
            assert all(server.received[recipient(key)] <= 1 for key in range(1, 7))


class Deaf:
    """A journal that keeps nothing."""

    def sending(self, keys: object) -> None: ...

    def results(self, results: object) -> None: ...

    def requeued(self, keys: object) -> None: ...


@pytest.mark.parametrize("stage", ["banner", "ehlo", "mail", "rcpt", "dot"])
def test_octet_by_octet_is_still_a_reply(mode: str, stage: Where) -> None:
    with FaultServer([Fault(stage, "slow", nth=1, seconds=0.001)], **MODES[mode]) as server:
        results = deliver(server, transport(server, clock=time.monotonic), count=4)
    assert counted(results, Stage.ACCEPTED) == 4


@pytest.mark.parametrize("stage", ["mail", "dot"])
def test_dribbling_octets_do_not_put_the_deadline_off(mode: str, stage: Where) -> None:
    with FaultServer([Fault(stage, "slow", nth=2, seconds=0.05)], **MODES[mode]) as server:
        results = deliver(server, transport(server), count=3)
    assert results[2].stage in (BEFORE, AFTER)
    assert "timed out" in results[2].text


def test_refused_recipients_among_others(mode: str) -> None:
    bounces = [recipient(key) for key in (1, 4, 5, 12)]
    for nobody in (False, True):
        with FaultServer(bounces=bounces, data_for_nobody=nobody, **MODES[mode]) as server:
            results = deliver(server, transport(server))
        assert [key for key, o in sorted(results.items()) if o.stage is Stage.REJECTED] == [1, 4, 5, 12]
        assert {(o.code, o.enhanced) for o in results.values() if o.stage is Stage.REJECTED} == {(550, "5.1.1")}
        assert counted(results, Stage.ACCEPTED) == 8
        assert all(arrived.recipients or not arrived.data for arrived in server.messages)


def test_several_connections_lose_several_times(mode: str) -> None:
    faults = [Fault("dot", "vanish", nth=7), Fault("mail", "reset", nth=20), Fault("content", "vanish", nth=30)]
    with FaultServer(faults, **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=4&pipeline=3"), count=60)
    lost = counted(results, BEFORE) + counted(results, AFTER)
    assert lost <= 3 * 3
    assert counted(results, Stage.ACCEPTED) == 60 - lost


@pytest.mark.parametrize("goodbye", ["vanish", "reply-close"])
def test_a_connection_closed_at_rest_costs_nobody_an_attempt(mode: str, goodbye: What) -> None:
    with FaultServer([Fault("idle", goodbye, nth=0, seconds=0)], **MODES[mode]) as server:
        sender = transport(server)
        for round_ in range(4):
            results = deliver(server, sender, count=1, first=1 + round_, keep=True)
            assert counted(results, Stage.ACCEPTED) == 1
        sender.close()
    assert server.received.total() == 4
