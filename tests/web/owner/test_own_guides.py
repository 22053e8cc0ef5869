"""A new guide by its PDF, another edition of one, and whether visitors see it."""

from collections.abc import Callable
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from pypdf import PdfWriter
from sqlalchemy import select

from newsletter import journey
from newsletter.guides import Files, Guide
from newsletter.links import Purpose
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import Subscriber, read_address
from newsletter.web.bodies import LARGEST
from tests.conftest import NOON, InlineTrigger
from tests.web.owner.conftest import Desk, readable

TITLE = "Sleep well"


def pdf(pages: int = 4) -> tuple[BytesIO, str]:
    """A file as a browser sends it."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(420, 595)
    out = BytesIO()
    writer.write(out)
    out.seek(0)
    return out, "my guide.pdf"


@pytest.fixture
def sleep(desk: Desk, runtime: Runtime) -> int:
    """A guide that the owner has just sent."""
    told = desk.told("/owner/guides/new", file=pdf(), title=TITLE, box="Our {pages} pages on sleep.", topic="Rest")
    assert "“Sleep well” is here." in told
    with runtime.database.reading() as session:
        return session.scalars(select(Guide.id).where(Guide.title == TITLE)).one()


def test_a_new_guide_is_seen_by_its_owner_only(desk: Desk, sleep: int, client: FlaskClient) -> None:
    assert "4 pages · " in desk.read("/owner/guides")
    assert "not shown" in desk.read("/owner/guides")
    assert TITLE in desk.get("/guides/sleep-well")
    pictures = [f"/guides/sleep-well/pages/{name}" for name in ("1.png", "1-320.webp", "2-320.webp")]
    for address in pictures:
        answer = desk.client.get(address)
        assert answer.status_code == 200
        assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("private, max-age=86400", "Cookie")
    assert TITLE not in client.get("/").text
    assert client.get("/guides/sleep-well").status_code == 404
    assert [client.get(address).status_code for address in pictures] == [404] * 3


def test_shown_it_has_a_box_and_hidden_it_takes_no_sign_ups(desk: Desk, sleep: int, client: FlaskClient) -> None:
    assert "Visitors see “Sleep well” now" in desk.told(f"/owner/guides/{sleep}/show")
    assert "Our 4 pages on sleep." in client.get("/").text
    assert client.get("/guides/sleep-well").status_code == 200
    assert "takes no sign-ups" in desk.told(f"/owner/guides/{sleep}/hide")
    assert TITLE not in client.get("/").text
    assert client.get("/guides/sleep-well").status_code == 404


def test_a_form_elsewhere_gives_no_guide_that_is_hidden(desk: Desk, client: FlaskClient, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        fifty = session.scalars(select(Guide.id).where(Guide.slug == "exercise-at-50")).one()
    assert client.get("/f/exercise-at-50").status_code == 200
    desk.post(f"/owner/guides/{fifty}/hide")
    for path in ("/f/exercise-at-50", "/embed/exercise-at-50"):
        assert client.get(path).status_code == 410
    assert b"closed" in client.get("/embed/exercise-at-50.js").data
    typed = {"email": "jane@example.com", "first_name": "Jane"}
    for path in ("/f/exercise-at-50", "/embed/exercise-at-50"):
        assert client.post(path, data=typed).status_code == 410
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []


def _asks(runtime: Runtime, trigger: InlineTrigger) -> None:
    form = journey.SignUp(read_address("jane@example.com"), "sleep-well", False, "Yes.", "Jane", "/", "box", None)
    with runtime.database.transaction() as session:
        journey.subscribe(session, runtime, form, NOON)
    with runtime.database.transaction() as session:
        asked = journey.open_link(session, 1, NOON)
        assert asked is not None
        assert asked.articles == 0
        journey.confirm(session, runtime, asked, NOON)
    trigger.wake()


def test_who_asks_for_it_gets_it_and_no_series_that_nobody_told_of(
    desk: Desk, sleep: int, runtime: Runtime, trigger: InlineTrigger
) -> None:
    """The empty series behind it is off; who confirms now has agreed to the guide alone."""
    desk.post(f"/owner/guides/{sleep}/show")
    _asks(runtime, trigger)
    with runtime.database.transaction() as session:
        series = session.scalars(select(Sequence).where(Sequence.guide_slug == "sleep-well")).one()
        assert (series.live, series.current_steps) == (False, [])
        series.switch_on(NOON)
        assert session.scalars(select(Enrollment)).all() == []
        jane = session.scalars(select(Subscriber)).one()
    token = runtime.signer.token(Purpose.LIBRARY, jane.id)
    assert TITLE in desk.client.get(f"/library/{token}").text


def test_another_edition_takes_its_place_and_readers_keep_their_links(desk: Desk, sleep: int) -> None:
    desk.post(f"/owner/guides/{sleep}", title=TITLE, box="Our {pages}.", begin="“Start”", begin_page="4")
    assert "The present one has 4 pages." in desk.read(f"/owner/guides/{sleep}/edition")
    told = desk.told(f"/owner/guides/{sleep}/edition", file=pdf(2))
    assert "The new PDF is in place, 2 pages." in told and "0 people have an earlier edition" in told
    assert "2 pages · " in desk.read("/owner/guides")
    assert 'name="begin_page" type="number" value="0"' in desk.get("/owner/guides").replace('min="0" ', "")


def test_paula_offers_the_new_edition_to_those_who_have_the_old_one(
    desk: Desk, sleep: int, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com")
    person("joe@example.com")
    desk.post(f"/owner/subscribers/{jane}/guide", guide=sleep)
    offer = f"/owner/subscribers/actions/new?do=edition&amp;guide={sleep}"
    assert offer not in desk.get("/owner/guides")
    told = desk.told(f"/owner/guides/{sleep}/edition", file=pdf(2))
    assert "1 person has an earlier edition, and gets a mail with a link to edition 2. 1 other has the newest" in told
    assert "edition 1: 1 person" in told
    for path in ("/owner/guides", f"/owner/guides/{sleep}/set-up"):
        page = desk.get(path)
        assert "1 person has an earlier edition." in readable(page)
        assert offer in page
    told = desk.told("/owner/subscribers/actions/new", do="edition", guide=sleep)
    assert "Offer the new edition of “Sleep well”" in told


@pytest.mark.parametrize("path", ["/owner/guides/new", "/owner/guides/1/edition"])
def test_what_is_no_guide_is_told_beside_the_field(desk: Desk, path: str, runtime: Runtime) -> None:
    answer = desk.post(path, file=(BytesIO(b"MZ"), "x.pdf"), title="Typed")
    assert answer.status_code == 422
    assert "This file is no PDF." in answer.text
    assert "Choose " in desk.post(path, title="Typed").text
    assert list(runtime.guides.own.iterdir()) == []


def test_what_was_typed_beside_a_bad_file_stays(desk: Desk) -> None:
    page = desk.post("/owner/guides/new", file=(BytesIO(b"MZ"), "x.pdf"), title="Typed", box="Words", topic="T").text
    assert 'value="Typed"' in page
    assert "Words</textarea>" in page
    assert "Please choose the file again" in page


def test_a_full_disk_is_told_and_nothing_is_changed(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Files, "put", full)
    assert "the disk may be full" in desk.told("/owner/guides/new", file=pdf(), title=TITLE)
    with runtime.database.reading() as session:
        assert session.scalar(select(Guide.id).where(Guide.title == TITLE)) is None
        assert session.scalar(select(Sequence.id).where(Sequence.guide_slug == "sleep-well")) is None


@pytest.mark.parametrize("path", ["/owner/guides/new", "/owner/guides/1/edition"])
def test_a_file_too_large_to_be_read_is_told_beside_the_field(
    desk: Desk, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    for name in ("owner.guide_new", "owner.guide_replace"):
        monkeypatch.setitem(LARGEST, name, 3000)  # type: ignore[arg-type]
    answer = desk.post(path, file=(BytesIO(b"x" * 9000), "x.pdf"))
    assert answer.status_code == 413
    assert "This file is larger than 3 kB." in answer.text


def test_a_guide_without_its_file_is_not_shown(desk: Desk, sleep: int, runtime: Runtime) -> None:
    runtime.guides.of("sleep-well").unlink()
    assert "It cannot be shown" in desk.told(f"/owner/guides/{sleep}/show")
