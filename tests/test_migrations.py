"""The migrations, on a database that holds mail: what was sent stays sent, and the rest goes out once."""

from collections import Counter
from collections.abc import Callable

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from newsletter import articles, schema, versions
from newsletter.db import Database
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Lane, Message, Reason, State
from newsletter.mail.ledger.counts import count_by_state, recount
from newsletter.mail.ledger.queue import fill
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.smtp import SentList
from newsletter.subscribers import Segment, Stream, Subscriber
from tests.conftest import NOON

PEOPLE = 6


def back_to(revision: str, database: Database) -> None:
    """Take migrations back until this one is the newest."""
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _half_sent(runtime: Runtime, person: Callable[..., int]) -> list[int]:
    """A campaign to six in two batches, the first of which has gone out, and a series' mail; the readers."""
    readers = [person(f"p{number}@example.com") for number in range(PEOPLE)]
    with runtime.database.transaction() as session:
        words = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn both ways.").current
        made = Dispatch(revision_id=words.id, idempotency_key="campaign:7", created_at=NOON, fill_until=readers[-1])
        session.add(made)
        session.flush()
        fill(session, made, Segment().condition(), NOON, PEOPLE // 2)
        fill(session, made, Segment().condition(), NOON, PEOPLE)
    runtime.delivery.run(Lane.BULK)
    with runtime.database.transaction() as session:
        jane = session.get_one(Subscriber, readers[0])
        ledger.queue(session, jane, Stream.STEP, "step:1:1", NOON, revision=words)
    return readers


ALL = [one.revision for one in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()][1:]
REVISIONS = [*ALL[:4], *ALL[4:-1:8], ALL[-1]]
"""The newest, the oldest, and some between: who comes from the oldest goes through all of them, and each that changes
what is there has a test of its own."""


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_older_database_is_brought_up_with_all_its_mail(
    revision: str, runtime: Runtime, person: Callable[..., int], sent: SentList
) -> None:
    database, readers = runtime.database, _half_sent(runtime, person)
    back_to(revision, database)
    assert not versions.is_current(database)
    schema.upgrade(database)
    with database.reading() as session:
        states = Counter(session.scalars(select(Message.state)))
    assert states == {State.SENT: 3, State.READY: 4}
    while runtime.delivery.run(Lane.BULK):
        pass
    assert Counter(Counter(one.key for one in sent.envelopes).values()) == {1: PEOPLE + 1}
    with database.transaction() as session:
        while recount(session):
            pass
        campaign = session.scalars(select(Dispatch)).one()
        assert count_by_state(session, campaign)[State.SENT] == PEOPLE
        session.delete(session.get_one(Subscriber, readers[0]))
    with database.reading() as session:
        assert session.scalar(select(func.count(Message.id))) == PEOPLE - 1


def test_reasons_are_kept_when_their_rule_changes(runtime: Runtime, person: Callable[..., int]) -> None:
    database = runtime.database
    _half_sent(runtime, person)
    with database.transaction() as session:
        session.execute(update(Message).where(Message.stream == Stream.STEP).values(reason=Reason.SUPPRESSED))
    back_to("0060", database)
    schema.upgrade(database)
    with database.reading() as session:
        reasons = Counter(session.scalars(select(Message.reason)))
    assert reasons == {None: PEOPLE, Reason.SUPPRESSED: 1}
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(text("UPDATE messages SET reason = 'no such thing'"))
