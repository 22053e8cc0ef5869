"""The breaker: stop a campaign that receivers refuse for what it is."""

from collections.abc import Callable

from sqlalchemy import select

from newsletter import accounts, articles
from newsletter.mail.breaker import RUN, SAMPLE, Breaker
from newsletter.mail.ledger import Dispatch, Hold, Lane, Message, State
from newsletter.mail.ledger.counts import count_by_state
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, SentList, SmtpResult, Stage
from newsletter.subscribers import Segment, Stream


def test_a_run_of_refusals_trips_it_and_one_acceptance_ends_the_run() -> None:
    breaker = Breaker()
    assert breaker.watch(["5.7.1 no"] * (RUN - 1) + [None] + ["5.7.1 no"] * (RUN - 1)) is None
    assert "5.7.1 spam" in str(breaker.watch(["5.7.1 spam"]))


def test_a_share_of_refusals_trips_it_only_in_a_sample_that_says_something() -> None:
    breaker = Breaker()
    few = [None, None, "5.7.1 no"]
    assert breaker.watch(few * 20) is None
    assert "33 %" in str(breaker.watch(few * (SAMPLE // 3)))


def test_it_gives_its_reason_once_so_that_an_owner_who_resumes_is_not_overruled_by_the_rest_of_a_batch() -> None:
    breaker = Breaker()
    assert breaker.watch(["5.7.1 no"] * RUN) is not None
    assert breaker.watch([None]) is None
    assert breaker.watch(["5.7.1 no"] * RUN) is None
    assert breaker.tripped


def test_the_share_is_the_operators_choice() -> None:
    few = [None, None, "5.7.1 no"] * (SAMPLE // 3 + 1)
    assert Breaker(share=0.5).watch(few) is None
    assert Breaker(share=0.1).watch(few) is not None


def _refuse(one: Envelope) -> SmtpResult:
    return SmtpResult(one.key, Stage.REJECTED, 550, "5.7.1", "5.7.1 listed as spam", "mx.example:25", ".")


def test_a_refused_campaign_pauses_tells_the_owner_and_loses_nobody(
    runtime: Runtime, person: Callable[..., int]
) -> None:
    now = runtime.clock.now()
    last = [person(f"p{n}@example.com") for n in range(300)][-1]
    with runtime.database.transaction() as session:
        accounts.create(session, "owner@example.org", "a good password", now)
        words = articles.write(session, now, title="Golf", subject="Golf", body="Turn.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=now, fill_until=last)
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), now, 1000)
    runtime.transport = SentList(_refuse)
    while runtime.delivery.run(Lane.BULK):
        pass
    with runtime.database.reading() as session:
        held = session.get_one(Dispatch, made.id)
        counts = count_by_state(session, held)
        assert held.hold is Hold.PAUSED
        assert "listed as spam" in held.hold_reason
        assert counts[State.FAILED] + counts[State.READY] == 300
        assert counts[State.READY] > 0
        notice = session.scalars(select(Message).where(Message.stream == Stream.NOTICE)).one()
        assert "listed as spam" in str(notice.context)
