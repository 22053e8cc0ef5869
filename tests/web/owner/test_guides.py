"""What a guide's page shows and changes."""

from newsletter.guides import Files, Guide, inspect
from newsletter.runtime import Runtime
from newsletter.web.owner.display import size
from tests.web.owner.conftest import Desk


def test_pages_and_size_come_from_the_file(desk: Desk, runtime: Runtime) -> None:
    seen = inspect(runtime.guides.of("recover-from-pain"))
    assert f"{seen.pages} pages · {size(seen.size)} · Rehabilitation" in desk.read("/owner/guides")


def test_the_cover_and_the_file_are_there_for_the_owner(desk: Desk, guide_id: int) -> None:
    with desk.client.get(f"/owner/guides/{guide_id}/cover.png") as cover:
        assert cover.data.startswith(b"\x89PNG")
    with desk.client.get(f"/owner/guides/{guide_id}/guide.pdf") as file:
        assert file.data.startswith(b"%PDF")


def test_the_box_and_the_attachment_are_saved(desk: Desk, guide_id: int) -> None:
    desk.post(f"/owner/guides/{guide_id}", title="Pain", box="Read our {pages}\r\npages.", attach="y")
    page = desk.get("/owner/guides")
    assert "Read our {pages} pages.</textarea>" in page
    assert "checked" in page
    assert "Read our 21 pages." in desk.get("/")
    desk.post(f"/owner/guides/{guide_id}", title="Pain", box="Read our {pages} pages.")
    assert "checked" not in desk.get("/owner/guides")


def test_what_its_mail_says_is_saved_and_mailed(desk: Desk, guide_id: int, runtime: Runtime) -> None:
    said = {"begin": "“Start here”", "begin_page": "4", "question": "What hurts?"}
    desk.post(f"/owner/guides/{guide_id}", title="Pain", box="Read our {pages} pages.", **said)
    with runtime.database.reading() as session:
        told = session.get_one(Guide, guide_id).told(runtime.guides)
    assert (told["begin"], told["begin_page"], told["question"]) == ("“Start here”", 4, "What hurts?")


def test_a_page_that_the_guide_does_not_have_is_told(desk: Desk, guide_id: int) -> None:
    answer = desk.post(
        f"/owner/guides/{guide_id}", title="Pain", box="Read our {pages} pages.", begin="x", begin_page="22"
    )
    assert answer.status_code == 422
    assert "The guide has 21 pages; give one of them, or 0." in answer.text


def test_what_is_the_owners_to_fill_in_is_told_there_and_on_the_first_page(desk: Desk) -> None:
    assert "Not filled in yet, as the guide says itself: author, credentials" in desk.read("/owner/guides")
    assert "Yours to fill in before it goes out: who wrote these guides" in desk.read("/owner/")


def test_an_empty_box_is_told(desk: Desk, guide_id: int) -> None:
    answer = desk.post(f"/owner/guides/{guide_id}", title="Pain", box="  ")
    assert answer.status_code == 422
    assert "The box needs a sentence" in answer.text


def test_a_missing_file_is_told_and_the_page_still_shows(desk: Desk, runtime: Runtime, tmp_path) -> None:  # type: ignore[no-untyped-def]
    runtime.guides = Files(tmp_path, tmp_path)
    assert "recover-from-pain.pdf is missing" in desk.read("/owner/guides")
