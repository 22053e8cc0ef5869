"""Alarms: the owner is told of relays that take no mail and of confirmations that fail, and nobody's mail is tried."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from newsletter import accounts
from newsletter.clock import FixedClock
from newsletter.mail import alarms, ledger
from newsletter.mail.alarms import IN_A_ROW, AlarmKind
from newsletter.mail.ledger import Attempt, Lane, Message, State
from newsletter.mail.ledger.lost import SECOND_TRY
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, SmtpTransport, Stage, Trouble, parse_relays
from newsletter.smtp.memory import accepted
from newsletter.subscribers import Stream, Subscriber
from tests.fault_smtp import Fault, FaultServer

People = Callable[..., int]


@pytest.fixture
def owner(runtime: Runtime) -> int:
    with runtime.database.transaction() as session:
        return accounts.create(session, "paula@example.com", "long enough 2026", runtime.clock.now()).id


NOT_OWNED = "553 5.7.1 <b@example.org>: Sender address rejected: not owned by user paul"


def _confirmations(runtime: Runtime, person: People, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        id = person(f"reader{number}@example.com", confirmed=False)
        with runtime.database.transaction() as session:
            context = {"consent": 1, "until": 1, "days": 30, "guide": None, "newsletter": True}
            to = session.get_one(Subscriber, id)
            ledger.queue(session, to, Stream.CONFIRM, f"confirm:{number}", runtime.clock.now(), context=context)


def _relays(runtime: Runtime, *servers: FaultServer) -> SmtpTransport:
    urls = ",".join(f"smtp://127.0.0.1:{server.port}?connections=2" for server in servers)
    runtime.transport = SmtpTransport(parse_relays(urls), helo="client.example")
    return runtime.transport


def _states(runtime: Runtime, stream: Stream = Stream.CONFIRM) -> dict[State, int]:
    with runtime.database.reading() as session:
        look = select(Message.state, func.count()).where(Message.stream == stream).group_by(Message.state)
        return dict(session.execute(look).all())  # type: ignore[arg-type]


def _alarms(runtime: Runtime) -> list[tuple[AlarmKind, Trouble | None, int]]:
    with runtime.database.reading() as session:
        return [(one.kind, one.trouble, one.count) for one in alarms.current(session, runtime.clock.now())]


def _attempts(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Attempt)) or 0


@pytest.mark.parametrize(
    "text", [NOT_OWNED, "550 5.7.1 sender not owned by you", "452 4.3.1 Insufficient system storage"]
)
def test_a_relay_that_refuses_us_fails_nobody_and_alarms_the_owner(runtime: Runtime, person: People, text: str) -> None:
    _confirmations(runtime, person, 3)
    with FaultServer([Fault("mail", "reply", nth=0, text=text)]) as server:
        transport = _relays(runtime, server)
        runtime.delivery.run(Lane.TRANSACTIONAL)
        transport.close()
    assert (_states(runtime), _attempts(runtime)) == ({State.READY: 3}, 0)
    ((kind, trouble, _),) = _alarms(runtime)
    assert kind is AlarmKind.RELAY and trouble in (Trouble.SENDER, Trouble.STORAGE)


@pytest.mark.usefixtures("owner")
def test_the_owner_is_told_through_another_relay(runtime: Runtime, person: People) -> None:
    _confirmations(runtime, person, 6)
    late = Fault("banner", "late", nth=0, seconds=0.3)  # the other one is ready first
    with FaultServer([Fault("rcpt", "reply", nth=0, text=NOT_OWNED)]) as bad, FaultServer([late]) as good:
        transport = _relays(runtime, bad, good)
        while runtime.delivery.run(Lane.TRANSACTIONAL):
            pass
        transport.close()
        assert (bad.accepted.total(), good.accepted.total()) == (0, 7)  # six confirmations and the notice
    assert _states(runtime) == {State.SENT: 6}
    assert _states(runtime, Stream.NOTICE) == {State.SENT: 1}


def test_an_alarm_ends_when_the_relay_takes_mail_again(runtime: Runtime, person: People, clock: FixedClock) -> None:
    _confirmations(runtime, person, 1)
    with FaultServer([Fault("mail", "reply", nth=1, text="454 4.7.0 not now")]) as server:
        transport = _relays(runtime, server)
        delivery = runtime.delivery
        delivery.run(Lane.TRANSACTIONAL)
        assert [trouble for _, trouble, _ in _alarms(runtime)] == [Trouble.RATE]
        transport.close()
        clock.forward(SECOND_TRY)
        transport = _relays(runtime, server)
        runtime.delivery.run(Lane.TRANSACTIONAL)
        transport.close()
    assert (_states(runtime), _alarms(runtime)) == ({State.SENT: 1}, [])


@pytest.mark.usefixtures("owner")
def test_confirmations_that_fail_without_a_word_alarm_as_well(runtime: Runtime, person: People) -> None:
    """A batch of nothing else: whether anything failed is not to be told by whether there are words about it."""

    def refuse(one: Envelope) -> SmtpResult:
        return SmtpResult(one.key, Stage.REJECTED, 550, "", "", "mx.example:25", ".")

    runtime.transport = SentList(refuse)
    for batch in range(IN_A_ROW):
        _confirmations(runtime, person, 1, first=batch)
        runtime.delivery.run(Lane.TRANSACTIONAL)
    assert _states(runtime) == {State.FAILED: IN_A_ROW}
    assert _alarms(runtime) == [(AlarmKind.CONFIRMATIONS, None, IN_A_ROW)]
    with runtime.database.reading() as session:
        (notice,) = session.scalars(select(Message).where(Message.stream == Stream.NOTICE))
        assert "The last answer was: (none)" in notice.context["lines"]


@pytest.mark.usefixtures("owner")
def test_confirmations_that_cannot_even_be_built_alarm_as_well(runtime: Runtime, person: People,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def missing(*_: object) -> None:
        raise FileNotFoundError("email/confirm/text.txt")

    monkeypatch.setattr(type(runtime.renderer), "compose", missing)
    _confirmations(runtime, person, IN_A_ROW)
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert _states(runtime) == {State.FAILED: IN_A_ROW}
    assert _alarms(runtime) == [(AlarmKind.CONFIRMATIONS, None, IN_A_ROW)]


@pytest.mark.usefixtures("owner")
def test_confirmations_that_fail_one_after_the_other(runtime: Runtime, person: People, clock: FixedClock) -> None:
    def refuse(one: Envelope) -> SmtpResult:
        return SmtpResult(one.key, Stage.REJECTED, 550, "5.7.1", "5.7.1 blocked", "mx.example:25", ".")

    runtime.transport = SentList(refuse)
    _confirmations(runtime, person, IN_A_ROW - 1)
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert _alarms(runtime) == []
    _confirmations(runtime, person, 1, first=10)
    runtime.delivery.run(Lane.TRANSACTIONAL)
    assert _alarms(runtime) == [(AlarmKind.CONFIRMATIONS, None, IN_A_ROW)]
    assert sum(_states(runtime, Stream.NOTICE).values()) == 1
    runtime.transport = SentList(accepted)
    _confirmations(runtime, person, 1, first=20)
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    assert _alarms(runtime) == []
