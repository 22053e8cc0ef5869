"""Readers of one mail a week in an A/B test: in the part that the lot drew, and in none of its numbers."""

from collections import Counter
from collections.abc import Callable

from sqlalchemy import select

from newsletter import campaigns
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream, Subscriber
from tests.campaigns.conftest import Stage


def test_they_are_in_one_part_and_count_in_none(stage: Callable[..., Stage], runtime: Runtime) -> None:
    it = stage()
    with runtime.database.transaction() as session:
        everybody = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
        weekly = everybody[:60]
        for one in weekly:
            one.digest = True
    it.go()
    test = it.test()
    tested = it.got(test.a_id) | it.got(test.b_id)
    with runtime.database.reading() as session:
        a, b = campaigns.results(session, test)
    assert tested & {one.id for one in weekly}, "drawn as everybody"
    assert a.whole + b.whole == len(tested - {one.id for one in weekly}), "and not counted"
    with runtime.database.transaction() as session:  # some change their mind in the middle, both ways
        for one in session.scalars(select(Subscriber)).all():
            one.digest = one.digest if one.id % 3 else not one.digest
    it.click(test.b_id, 10)
    it.end()
    if it.test().rest is None:
        it.choose(campaigns.Part.B)
        it.beat()
    with runtime.database.reading() as session:
        entered = Counter(session.scalars(select(DigestEntry.subscriber_id)))
        sent = select(Message.subscriber_id).where(Message.state == State.SENT, Message.stream == Stream.CAMPAIGN)
        assert entered + Counter(session.scalars(sent)) == Counter(one.id for one in everybody), "each once"
