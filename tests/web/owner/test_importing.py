"""The import pages: columns, statuses and basis, the dry run, the import and its report; and what is kept meanwhile."""

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsletter.accounts import AuditEntry
from newsletter.clock import FixedClock
from newsletter.imports import Import, ImportedPerson, NotNow
from newsletter.jobs import remind_and_forget
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber, tags_of
from newsletter.web.bodies import LARGEST
from newsletter.wordings import Wording
from tests.web.owner.clerk import LIST, PAGE, Clerk, clerk
from tests.web.owner.conftest import Desk, readable
from tests.workbooks import xlsx

__all__ = ["clerk"]


def _people(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {one.email: str(one.status) for one in session.scalars(select(Subscriber))}


def test_the_check_tells_it_all_and_writes_nothing(clerk: Clerk, desk: Desk, runtime: Runtime) -> None:
    words = clerk.to_the_check()
    assert "What this file would do" in words and "list.csv , 3 rows" in words
    assert "1 added confirmed" in words and "1 bounced recorded" in words
    assert "line 4: this does not look like an e-mail address" in words
    assert "Not used: shoe_size." in words and "Read as UTF-8, separated by commas" in words
    assert _people(runtime) == {}
    with desk.client.get(f"{clerk.path}/errors.csv") as answer:
        rows = answer.text.splitlines()
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert rows[0] == "line,reason,row" and rows[1].startswith("4,") and rows[1].endswith('"nobody,N,active,1,"')


def test_likely_slips_and_doubles_are_told_before_and_after_and_nothing_is_changed_by_it(
    clerk: Clerk, runtime: Runtime
) -> None:
    twice = LIST.replace("nobody,", "jane@gmial.com,") + "jane@example.com,Jane,active,40,\n"
    for words in (clerk.to_the_check(twice), clerk.say("start")):
        assert "Worth a look" in words and "gmial.com for gmail.com; taken as they are: 1 (line 4)" in words
        assert "whom an earlier row names already; each person comes in once: 1 (line 5)" in words
    assert set(_people(runtime)) == {"jane@example.com", "jane@gmial.com", "bo@example.com"}


def test_then_it_is_imported_with_its_basis_and_the_file_is_gone(clerk: Clerk, desk: Desk, runtime: Runtime) -> None:
    clerk.to_the_check(tags="desk, 2025")
    told = clerk.say("start")
    assert "Imported" in told and "1 added" in told and "Tags for all: desk, 2025" in told
    assert _people(runtime) == {"jane@example.com": "confirmed", "bo@example.com": "bounced"}
    assert [path.name for path in runtime.uploads.iterdir()] == [f"{clerk.row.token}.errors.csv"]
    with runtime.database.reading() as session:
        assert session.scalars(select(Wording.words).join(Consent)).all() == ["At the desk"]
        note = session.scalars(select(AuditEntry).where(AuditEntry.action == "subscribers imported")).one()
        assert "list.csv: 1 added" in note.detail and "At the desk" in note.detail
        jane = session.scalars(select(Subscriber.id).where(Subscriber.email == "jane@example.com")).one()
        assert tags_of(session, jane) == ["2025", "desk", "golf"]
    assert "This import is done" in desk.told(f"{clerk.path}/start")
    assert "list.csv" in desk.read("/owner/subscribers/imports")


def test_a_workbook_goes_the_same_way_and_its_sheet_can_be_chosen(clerk: Clerk, desk: Desk, runtime: Runtime) -> None:
    book = xlsx({"Notes": [], "Members": [["email", "Name"], ["jane@example.com", "Jane"], ["bo@example.com", "Bo"]]},
                hidden_rows=(3,))  # fmt: skip
    assert "Reading the workbook" in clerk.send(book, "list.xlsx")
    assert "“Notes” is empty" in clerk.work()
    assert "There is no such sheet" in desk.told(f"{clerk.path}/sheet", sheet="Nope")
    told = clerk.say("sheet", sheet="Members")
    assert "jane@example.com" in told and "Leave out the row that is hidden" in told
    assert "bo@example.com" not in clerk.say("sheet", sheet="Members", visible="yes").partition("What it is")[2]
    clerk.say("columns", **{"what-0": "email", "what-1": "first_name"})
    assert "from the sheet “Members” of a workbook" in clerk.say("basis", basis="b")
    clerk.say("start")
    assert _people(runtime) == {"jane@example.com": "confirmed"} and [*runtime.uploads.iterdir()] == []


def test_a_workbook_that_cannot_be_read_says_so(clerk: Clerk) -> None:
    clerk.send(b"PK\x03\x04 and nothing else", "list.xlsx")
    words = clerk.work()
    assert "This file cannot be imported" in words and "damaged" in words and "Choose another file" in words


def test_a_file_can_be_discarded_at_every_point(clerk: Clerk, desk: Desk, runtime: Runtime) -> None:
    for go in (clerk.send, clerk.to_the_check):
        go()
        assert "the file is deleted" in desk.told(f"{clerk.path}/discard")
        assert desk.client.get(clerk.path).status_code == 404
    assert _people(runtime) == {} and [*runtime.uploads.iterdir()] == []


@pytest.mark.parametrize("text", ["", "\n\n", '"email\n', "%PDF-1.7 x",
                                  "email" + ",x" * 500])  # fmt: skip
def test_what_is_no_list_is_told_at_once(text: str, clerk: Clerk, runtime: Runtime) -> None:
    words = clerk.send(text)
    assert "Import a list" in words and clerk.path == PAGE
    assert [*runtime.uploads.iterdir()] == []


def test_a_file_that_is_too_large_names_the_command(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LARGEST, "owner.subscriber_import_send", 10_000)  # type: ignore[arg-type]
    answer = desk.post(PAGE, file=(io.BytesIO(b"email\n" + b"x" * 20_000), "big.csv"))
    assert answer.status_code == 413
    assert "larger than 10 kB" in readable(answer.text)
    assert "newsletter subscribers import FILE" in readable(answer.text)
    assert not runtime.uploads.exists()


def test_a_stored_file_is_the_products_own_and_goes_after_a_day(
    clerk: Clerk, runtime: Runtime, clock: FixedClock
) -> None:
    clerk.to_the_check()
    assert {f"{path.stat().st_mode & 0o777:o}" for path in runtime.uploads.iterdir()} == {"600"}
    clock.forward(timedelta(hours=23))
    remind_and_forget(runtime, lambda: False)
    assert len([*runtime.uploads.iterdir()]) == 2
    clock.forward(timedelta(hours=2))
    remind_and_forget(runtime, lambda: False)
    assert [*runtime.uploads.iterdir()] == []
    with runtime.database.reading() as session:
        assert session.scalars(select(Import)).all() == []


def test_progress_is_told_to_the_script(clerk: Clerk, desk: Desk) -> None:
    clerk.to_the_check()
    desk.post(f"{clerk.path}/start")
    assert "Importing" in desk.read(clerk.path)
    answer = desk.client.get(f"{clerk.path}/progress.json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {"state": "running", "done": 0, "total": len(LIST), "percent": 0, "rows": 0, "undone": 0}


def test_two_presses_are_one_import_and_a_stopped_one_goes_on(clerk: Clerk, desk: Desk, runtime: Runtime) -> None:
    clerk.to_the_check()
    desk.post(f"{clerk.path}/start")
    assert "This import is under way" in desk.told(f"{clerk.path}/start")
    assert "Stopped. What is in stays" in desk.told(f"{clerk.path}/stop")
    assert "This import is stopped" in desk.told(f"{clerk.path}/stop")
    assert "Stopped" in clerk.work() and _people(runtime) == {}
    assert "Imported" in clerk.say("start") and len(_people(runtime)) == 2


def test_undo_asks_with_numbers_and_the_password(clerk: Clerk, desk: Desk, runtime: Runtime, clock: FixedClock) -> None:
    clerk.to_the_check(tags="desk")
    clerk.say("start")
    clock.forward(timedelta(minutes=20))
    words = desk.read(f"{clerk.path}/undo")
    assert "1 person whom it brought in would be deleted" in words and "1 person who had left, bounced" in words
    asked = desk.post(f"{clerk.path}/undo", gone="forget")
    assert asked.status_code == 403 and 'name="gone" value="forget"' in asked.text
    assert len(_people(runtime)) == 2
    told = clerk.say("undo", gone="forget", password_again="a long enough password")
    assert "Undone" in told and "1 person whom it had brought in: deleted" in told and "word: forgotten" in told
    assert _people(runtime) == {} and [*runtime.uploads.iterdir()] == []
    assert "This import is undone" in desk.told(f"{clerk.path}/undo")


def test_after_a_day_it_cannot_be_undone(clerk: Clerk, runtime: Runtime, clock: FixedClock) -> None:
    clerk.to_the_check()
    assert "Undo it" in clerk.say("start")
    clock.forward(timedelta(hours=25))
    with runtime.database.transaction() as session:
        it = session.get_one(Import, clerk.row.id)
        assert not it.may_be_undone(clock.now())
        with pytest.raises(NotNow, match="24 hours"):
            it.undo(clock.now(), forgets_gone=False)
    remind_and_forget(runtime, lambda: False)
    with runtime.database.reading() as session:
        assert session.scalars(select(ImportedPerson)).all() == []
    assert [*runtime.uploads.iterdir()] == [] and len(_people(runtime)) == 2


def test_only_the_owner_sees_them(clerk: Clerk, client: FlaskClient) -> None:
    clerk.send()
    for path in (clerk.path, f"{clerk.path}/progress.json", f"{clerk.path}/errors.csv", "/owner/subscribers/imports"):
        stranger = client.get(path)
        assert stranger.status_code == 302 and "/owner/login" in stranger.headers["Location"]


def test_the_list_of_subscribers_leads_there(desk: Desk, person: Callable[..., int]) -> None:
    person("jane@example.com")
    assert re.search(rf'href="{PAGE}"', desk.get("/owner/subscribers"))
    assert "Read the file" in desk.read(PAGE)
