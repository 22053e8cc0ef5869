"""Segments under a name."""

from datetime import timedelta

import pytest

from newsletter.db import Database
from newsletter.subscribers import segments
from newsletter.subscribers.segments import BadSegment, Rules
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments import saved as room
from tests.conftest import NOON

RULES, OTHERS = Rules(r.TakesNewsletter(True), "Asia/Kolkata"), Rules(r.TakesNewsletter(False), "UTC")


def test_saved_changed_copied(database: Database) -> None:
    with database.transaction() as session:
        made = segments.save(session, "  Run\nners ", RULES, NOON)
    with database.transaction() as session:
        known = segments.named(session, "RUN NERS")
        assert known is not None
        assert (known.id, known.name, known.rules) == (made.id, "Run ners", RULES)
        segments.save(session, "Walkers", OTHERS, NOON + timedelta(days=1), known)
        assert (known.created_at, known.updated_at) == (NOON, NOON + timedelta(days=1))
        assert [segments.copy(session, known, NOON).name for _ in range(3)] == [
            "Walkers (copy)", "Walkers (copy 2)", "Walkers (copy 3)",
        ]  # fmt: skip
        long = segments.save(session, "x" * 80, RULES, NOON)
        assert segments.copy(session, long, NOON).name == f"{'x' * 73} (copy)"
    with database.reading() as session:
        names = [one.name for one in segments.every(session)]
        assert names[0] == "Walkers"
        assert len(names) == 6


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "a name"), ("\0\n ", "a name"), ("x" * 81, "80 characters"), ("runners", "a segment “Runners” already")],
)
def test_names_that_are_refused(name: str, told: str, database: Database) -> None:
    with database.transaction() as session:
        segments.save(session, "Runners", RULES, NOON)
        with pytest.raises(BadSegment, match=told):
            segments.save(session, name, OTHERS, NOON)


def test_two_at_once_do_not_take_one_name(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.transaction() as session:
        segments.save(session, "Runners", RULES, NOON)
    monkeypatch.setattr(room, "every", lambda _: [])  # the look comes before the other's insert
    with database.transaction() as session:
        with pytest.raises(BadSegment, match="already"):
            segments.save(session, "Runners", OTHERS, NOON)
        segments.save(session, "Walkers", OTHERS, NOON)  # and the transaction goes on


def test_no_more_than_so_many(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_SAVED", 1)
    with database.transaction() as session:
        made = segments.save(session, "Runners", RULES, NOON)
        with pytest.raises(BadSegment, match="which is the most"):
            segments.save(session, "Walkers", RULES, NOON)
        segments.save(session, "Walkers", RULES, NOON, made)
