"""Migration 0190 taken back: earlier versions send singly, nobody gets a campaign twice and none is lost; and again."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from newsletter import journey, schema
from newsletter.campaigns import Campaign
from newsletter.events import EventKind, note
from newsletter.mail.ledger import Message, Reason, State
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber
from tests.campaigns.week import FRIDAY, JANE, PRESS, Week
from tests.test_migrations import back_to


def _rows(runtime: Runtime, words: str) -> list[tuple[object, ...]]:
    with runtime.database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(words))]


def test_what_stood_in_a_mail_has_its_outcome_and_what_waits_goes_out(week: Week, runtime: Runtime) -> None:
    had = week.campaign("Golf")
    week.at(FRIDAY)
    called_off, waits, queued = (week.campaign(title) for title in ("Hip", "Knee", "Walks"))
    with runtime.database.transaction() as session:
        entry = week.entry(called_off)
        entry.reason = Reason.TOPIC_LEFT
        session.merge(entry)
    week.clock.forward(FRIDAY + timedelta(days=7) - week.clock.now())
    week.tick()
    with runtime.database.transaction() as session:
        entry = week.entry(waits)
        entry.digest_id = None
        session.merge(entry)
    numbers = {name: week.message(id).id for name, id in
               {"had": had, "off": called_off, "waits": waits, "queued": queued}.items()}  # fmt: skip
    back_to("0170", runtime.database)
    listed = ", ".join(map(str, numbers.values()))
    assert _rows(runtime, f"SELECT state, reason, due_at IS NULL FROM messages WHERE id IN ({listed}) ORDER BY id") == [
        ("sent", None, True), ("cancelled", "topic-left", True), ("ready", None, False), ("ready", None, False),
    ]  # fmt: skip
    assert _rows(runtime, "SELECT id FROM messages WHERE stream = 'digest'") == []
    assert _rows(runtime, "SELECT id FROM events") == []
    assert [bool(one) for (one,) in _rows(runtime, "SELECT newsletter FROM subscribers")] == [True, True]
    assert ("off",) not in _rows(runtime, "SELECT reason FROM messages WHERE reason = 'digest'")
    schema.upgrade(runtime.database)
    week.sent.envelopes.clear()
    week.clock.forward(timedelta(days=3650))  # the migration wrote the machine's own time
    week.deliver()
    assert week.got() == ["Knee", "Walks"], "singly, each once"
    with runtime.database.reading() as session:
        assert session.get_one(Campaign, had).counts(session)[State.SENT] == 2


def test_its_codes_are_allowed_and_no_others(week: Week, runtime: Runtime) -> None:
    back_to("0170", runtime.database)
    for table, column in (("messages", "reason"), ("attempts", "reason"), ("events", "kind")):
        assert "digest" not in _definition(runtime, table, column)
    schema.upgrade(runtime.database)
    golf = week.launched("Golf")
    with runtime.database.transaction() as session:
        note(session, JANE, EventKind.DIGEST_ON, PRESS, week.clock.now())
        note(session, JANE, EventKind.PAUSED, PRESS, week.clock.now())
        session.get_one(Message, week.message(golf).id).reason = Reason.DIGEST
        assert journey.take_digest(session, session.get_one(Subscriber, JANE), PRESS, week.clock.now())
    for table, column in (("messages", "reason"), ("events", "kind")):
        with pytest.raises(IntegrityError), runtime.database.engine.begin() as connection:
            connection.execute(text(f"UPDATE {table} SET {column} = 'no-such-code'"))


def _definition(runtime: Runtime, table: str, column: str) -> str:
    if runtime.database.is_sqlite:
        (found,) = _rows(runtime, f"SELECT sql FROM sqlite_master WHERE name = '{table}' AND type = 'table'")
    else:
        look = f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_{table}_{column}'"
        (found,) = _rows(runtime, look)
    return str(found[0])
