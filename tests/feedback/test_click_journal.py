"""The journal of clicks: nothing in it is lost, whoever writes, takes or dies meanwhile."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from newsletter.feedback import ClickJournal, Hit
from newsletter.feedback.click_journal import AT_ONCE, OPEN
from newsletter.mail.render.counted import Destination
from tests.conftest import NOON

TO = Destination("https://example.com/?a=%20b#c", 3, 7)


def _hit(message: int, minute: int = 0, by_machine: bool = False) -> Hit:
    return Hit(message, TO, NOON + timedelta(minutes=minute, microseconds=123), by_machine)


@pytest.fixture
def journal(tmp_path: Path) -> ClickJournal:
    return ClickJournal(tmp_path / "clicks")


def _keeper(into: list[Hit]) -> Callable[[Sequence[Hit]], list[Hit]]:
    def write(hits: Sequence[Hit]) -> list[Hit]:
        into.extend(hits)
        return []

    return write


def test_what_is_noted_is_handed_over_once_and_as_it_was(journal: ClickJournal, tmp_path: Path) -> None:
    hits = [_hit(1), _hit(2, by_machine=True), _hit(1, 5)]
    assert all(journal.note(one) for one in hits)
    found: list[Hit] = []
    assert journal.write_down(_keeper(found)) == 0
    assert Counter(found) == Counter(hits)
    assert list((tmp_path / "clicks").iterdir()) == []
    assert journal.write_down(_keeper(found)) == 0 and len(found) == 3


def test_the_same_within_a_minute_is_kept_once(journal: ClickJournal) -> None:
    kept = [journal.note(_hit(1, minute)) for minute in (0, 0, 0, 1, 1)]
    assert kept == [True, False, False, True, False]
    assert journal.note(_hit(1, by_machine=True)) and journal.note(_hit(2))


def test_what_cannot_be_written_down_waits(journal: ClickJournal) -> None:
    journal.note(_hit(1))

    def fails(hits: Sequence[Hit]) -> list[Hit]:
        raise RuntimeError("the database is away")

    for _ in range(3):
        with pytest.raises(RuntimeError):
            journal.write_down(fails)
    journal.note(_hit(2))
    found: list[Hit] = []
    journal.write_down(_keeper(found))
    assert sorted(one.message for one in found) == [1, 2]


def test_what_has_to_wait_comes_again(journal: ClickJournal) -> None:
    journal.note(_hit(1))
    journal.note(_hit(2))
    assert journal.write_down(lambda hits: [one for one in hits if one.message == 1]) == 1
    found: list[Hit] = []
    assert journal.write_down(_keeper(found)) == 0
    assert found == [_hit(1)]


def test_half_a_line_costs_itself_alone(journal: ClickJournal, tmp_path: Path) -> None:
    journal.note(_hit(1))
    with (tmp_path / "clicks" / OPEN).open("ab") as file:
        file.write(b"2026-06-01T11:00:00+00:00 person 9\n\xff\xfe\n\n" + b"x y z 1 2 3\n")
    journal.note(_hit(2))
    found: list[Hit] = []
    journal.write_down(_keeper(found))
    assert found == [_hit(1), _hit(2)]


def test_all_hits_of_a_message_are_handed_over_together(journal: ClickJournal) -> None:
    messages = AT_ONCE + 10
    for minute in range(2):
        for message in range(messages):
            journal.note(_hit(message, minute))
    handed: list[set[int]] = []
    journal.write_down(lambda hits: handed.append({one.message for one in hits}) or [])  # type: ignore[func-returns-value]
    assert len(handed) == 2 and not handed[0] & handed[1] and len(handed[0] | handed[1]) == messages


def test_nothing_is_lost_while_others_take(journal: ClickJournal, tmp_path: Path) -> None:
    """Two write, two take, each with a journal of its own, as processes have."""
    found: list[Hit] = []
    writers = [Thread(target=_note_many, args=(tmp_path / "clicks", start)) for start in (0, 1_000)]
    takers = [Thread(target=_take_until, args=(tmp_path / "clicks", writers, found)) for _ in range(2)]
    for thread in (*writers, *takers):
        thread.start()
    for thread in (*writers, *takers):
        thread.join()
    journal.write_down(_keeper(found))
    assert Counter(one.message for one in found) == Counter(range(2_000))


def _note_many(folder: Path, start: int) -> None:
    journal = ClickJournal(folder)
    for message in range(start, start + 1_000):
        journal.note(_hit(message))


def _take_until(folder: Path, writers: Sequence[Thread], found: list[Hit]) -> None:
    journal = ClickJournal(folder)
    while any(one.is_alive() for one in writers):
        journal.write_down(_keeper(found))


def test_a_writer_that_is_killed_behind_its_commit_has_written_all_of_it(journal: ClickJournal) -> None:
    """What it leaves is handed over once more, as a whole."""
    journal.note(_hit(1))
    if (child := os.fork()) == 0:
        journal.write_down(lambda _: os._exit(9))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    found: list[Hit] = []
    journal.write_down(_keeper(found))
    assert found == [_hit(1)]
