"""An attached guide that is larger than the relay takes goes as a link (RFC 1870), and everything else as before."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from newsletter import guides
from newsletter.guides import Guide
from newsletter.mail.ledger import Attempt, Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Subscriber
from tests.fault_smtp import FaultServer
from tests.smtp.sending import transport

LIMIT = 100_000  # octets


@pytest.fixture
def asked(runtime: Runtime, person: Callable[..., int]) -> int:
    """The message by which Jane gets a guide attached."""
    jane = person("jane@example.com")
    with runtime.database.transaction() as session:
        session.execute(update(Guide).values(attach=True))
        guide = session.scalars(select(Guide).order_by(Guide.position)).first()
        assert guide is not None
        about = {"series": False}
        guides.send(session, session.get_one(Subscriber, jane), guide, runtime.guides, runtime.clock.now(), about)
        return session.scalars(select(Message.id)).one()


def _message(runtime: Runtime, id: int) -> Message:
    with runtime.database.reading() as session:
        return session.get_one(Message, id)


def test_a_relay_that_says_its_size_gets_the_link(runtime: Runtime, asked: int) -> None:
    with FaultServer(size=LIMIT) as server:
        runtime.transport = transport(server)
        while runtime.delivery.run(Lane.TRANSACTIONAL):
            pass
        runtime.transport.close()
        (data,) = [one.data for one in server.messages]
    assert len(data) < LIMIT
    assert b"is attached to this mail" not in data and b"/library/" in data
    assert _message(runtime, asked).state is State.SENT


@pytest.mark.parametrize(
    ("code", "enhanced", "step"),
    [(552, "5.3.4", "MAIL"), (552, "5.3.4", "."), (552, "", "."), (554, "5.3.4", "."), (550, "5.2.3", "RCPT")],
)
def test_one_that_refuses_the_size_gets_the_link(
    code: int, enhanced: str, step: str, runtime: Runtime, asked: int
) -> None:
    def answer(one: Envelope) -> SmtpResult:
        if len(one.data) > LIMIT:
            return SmtpResult(one.key, Stage.REJECTED, code, enhanced, f"{enhanced} too big", "mx.example:25", step)
        return SmtpResult(one.key, Stage.ACCEPTED, 250, "", "taken", "mx.example:25", ".")

    runtime.transport = kept = SentList(answer)
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    assert [len(one.data) > LIMIT for one in kept.envelopes] == [True, False]
    assert _message(runtime, asked).state is State.SENT
    with runtime.database.reading() as session:
        assert session.scalars(select(Attempt.code)).all() == [code], "what the server said is on record"


def test_a_full_mailbox_is_no_matter_of_size(runtime: Runtime, asked: int) -> None:
    runtime.transport = SentList(
        lambda one: SmtpResult(one.key, Stage.REJECTED, 552, "5.2.2", "5.2.2 mailbox full", "mx.example:25", "RCPT")
    )
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    assert _message(runtime, asked).state is State.FAILED


def test_a_mail_that_is_too_large_without_a_guide_fails_once(runtime: Runtime, asked: int) -> None:
    runtime.transport = kept = SentList(
        lambda one: SmtpResult(one.key, Stage.REJECTED, 552, "5.3.4", "5.3.4 too big", "mx.example:25", "MAIL")
    )
    while runtime.delivery.run(Lane.TRANSACTIONAL):
        pass
    assert len(kept.envelopes) == 2, "with the guide, and without"
    assert _message(runtime, asked).state is State.FAILED
