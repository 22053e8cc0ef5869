"""People that the list shows: tagged together, and taken along as a file that an import reads again."""

import csv
import io
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from newsletter.imports import Fate, export, import_csv
from newsletter.runtime import Runtime
from newsletter.subscribers import tags_of
from newsletter.web.owner import people
from tests.web.owner.conftest import Desk, readable

People = Callable[..., int]


@pytest.fixture
def three(person: People) -> tuple[int, int, int]:
    """Jane and Joe are confirmed, Ann is not."""
    return (
        person("jane@example.com", "Jane"),
        person("joe@example.com", "=Joe"),
        person("ann@example.com", confirmed=False),
    )


def _exported(desk: Desk, query: str = "") -> list[dict[str, str]]:
    answer = desk.client.get(f"/owner/subscribers/export.csv{query}")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.headers["Content-Disposition"] == "attachment; filename=subscribers.csv"
    return list(csv.DictReader(io.StringIO(answer.text)))


def _with(runtime: Runtime, ids: tuple[int, ...]) -> list[list[str]]:
    with runtime.database.reading() as session:
        return [tags_of(session, id) for id in ids]


def test_everybody_shown_gets_a_tag_and_loses_it_again(desk: Desk, three: tuple[int, ...], runtime: Runtime) -> None:
    told = desk.told("/owner/subscribers/tag", status="confirmed", name="  spring   list ", verb="tag")
    assert "2 more people have the tag “spring list” now." in told
    assert _with(runtime, three) == [["spring list"], ["spring list"], []]
    assert "1 more person has the tag" in desk.told("/owner/subscribers/tag", name="spring list", verb="tag")
    told = desk.told("/owner/subscribers/tag", tag="spring list", q="jane", name="spring list", verb="untag")
    assert "1 person no longer has the tag" in told
    assert _with(runtime, three) == [[], ["spring list"], ["spring list"]]
    assert "please type the tag" in desk.told("/owner/subscribers/tag", name="  ", verb="tag")


def test_a_tag_of_many_is_undone_beside_the_list(desk: Desk, three: tuple[int, ...], runtime: Runtime) -> None:
    desk.post("/owner/subscribers/tag", q="jane", name="spring", verb="tag")
    assert "takes it back exactly" in desk.told("/owner/subscribers/tag", name="spring", verb="tag")
    shown = desk.get("/owner/subscribers?status=confirmed")
    assert "2 people were given the tag “spring”" in readable(shown)
    first, second = re.findall(r"/owner/subscribers/tag/[0-9]+/undo", shown)[::-1]
    assert "Undone: 2 people are as before." in desk.told(second, status="confirmed")
    assert _with(runtime, three) == [["spring"], [], []]
    assert "this was undone before" in desk.told(second)
    assert "Undone: 1 person is as before." in desk.told(first)
    assert _with(runtime, three) == [[], [], []]
    assert "Undo for the tag" not in desk.read("/owner/subscribers")
    assert desk.client.post("/owner/subscribers/tag/999/undo").status_code in (400, 404)


def test_a_filter_that_is_nonsense_finds_nobody_or_everybody_and_breaks_nothing(
    desk: Desk, three: tuple[int, ...]
) -> None:
    assert "0 more people" in desk.told("/owner/subscribers/tag", q="%", name="x", verb="tag")
    assert "3 more people have" in desk.told("/owner/subscribers/tag", status="no such", name="x", verb="nonsense")


def test_the_file_holds_those_shown_and_an_import_reads_it_again(
    desk: Desk, three: tuple[int, ...], runtime: Runtime
) -> None:
    assert [row["email"] for row in _exported(desk, "?status=confirmed")] == ["jane@example.com", "joe@example.com"]
    assert [row["first_name"] for row in _exported(desk, "?q=joe")] == ["'=Joe"]
    every = desk.client.get("/owner/subscribers/export.csv").text
    report = import_csv(runtime.database, io.BytesIO(every.encode()), "", runtime.secrets, runtime.clock.now())
    assert report.read == 3
    assert report.fates[Fate.REFUSED] == 0
    desk.post("/owner/subscribers/tag", q="ann", name="a,b", verb="tag")
    assert [row["tags"] for row in _exported(desk, f"?tag={quote('a,b')}")] == ['"a,b"']


def test_a_file_of_many_pieces_holds_everybody_once(
    desk: Desk, three: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_PAGE", 2)
    assert [row["email"] for row in _exported(desk)] == ["jane@example.com", "joe@example.com", "ann@example.com"]
    assert [row["email"] for row in _exported(desk, "?status=pending")] == ["ann@example.com"]


def test_a_file_that_breaks_off_says_so_in_its_last_line(
    desk: Desk, three: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, runtime: Runtime
) -> None:
    monkeypatch.setattr(export, "_PAGE", 2)
    answer = desk.client.get("/owner/subscribers/export.csv", buffered=False)
    rows = answer.iter_encoded()
    began = next(rows) + next(rows)
    monkeypatch.setattr(export, "_tags", None)
    text = (began + b"".join(rows)).decode()
    assert text.endswith(f"{people.NOT_WHOLE}\r\n")
    assert "ann@" not in text
    report = import_csv(runtime.database, io.BytesIO(text.encode()), "", runtime.secrets, runtime.clock.now())
    assert report.fates[Fate.REFUSED] == 1


def test_paula_reads_whose_tags_would_change_before_she_presses(
    desk: Desk, three: tuple[int, ...], runtime: Runtime
) -> None:
    desk.post("/owner/subscribers/tag", q="jane", name="spring", verb="tag")
    page = desk.get("/owner/subscribers/tag?status=confirmed&name=+spring&verb=tag")
    assert "1 person gets the tag. 1 other has it already." in readable(page)
    assert 'name="status" value="confirmed"' in page
    assert "Give it to 1 person" in page
    assert _with(runtime, three) == [["spring"], [], []]
    page = desk.read("/owner/subscribers/tag?name=spring&verb=untag")
    assert "1 person loses the tag. 2 others have not got it." in page
    assert "Take it from" not in desk.read("/owner/subscribers/tag?name=autumn&verb=untag")
    assert "please type the tag" in readable(desk.client.get("/owner/subscribers/tag", follow_redirects=True).text)
