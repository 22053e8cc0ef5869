"""Pictures: sent, described, shown in texts and mails, and deleted where nothing shows them."""

import io
import re

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from newsletter import drafts
from newsletter.articles import Article
from newsletter.brand import current
from newsletter.mail.render import Content, Reader
from newsletter.media import Picture
from newsletter.runtime import Runtime
from newsletter.subscribers import Stream
from newsletter.web.bodies import LARGEST
from tests.conftest import NOON
from tests.web.owner.conftest import Desk
from tests.web.owner.test_articles import TEXT


def sent(width: int = 200, colour: str = "teal") -> tuple[io.BytesIO, str]:
    """A picture as a browser sends it."""
    out = io.BytesIO()
    Image.new("RGB", (width, 100), colour).save(out, "PNG")
    out.seek(0)
    return out, "x.png"


@pytest.fixture
def picture(desk: Desk, runtime: Runtime) -> Picture:
    """One in the library."""
    assert "The picture is here." in desk.told("/owner/pictures", file=sent(), words="A [teal] field")
    with runtime.database.reading() as session:
        return session.scalars(select(Picture)).one()


def test_a_picture_is_there_for_everybody_under_a_name_for_ever(picture: Picture, client: FlaskClient) -> None:
    with client.get(picture.path) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "name", ["../secret_key", "secret_key", ".x", "a.png", "%2e%2e/secret_key", "0" * 20 + "-1x1.png", "guides"]
)
def test_nothing_else_of_the_folder_is_to_be_had(name: str, picture: Picture, client: FlaskClient) -> None:
    assert client.get(f"/media/{name}").status_code in (301, 308, 404)


def test_its_code_shows_it_and_what_would_end_its_words_is_left_out(desk: Desk, picture: Picture) -> None:
    assert picture.code == f"![A teal field](/media/{picture.name})"
    assert picture.code in desk.get("/owner/pictures")
    assert f'data-insert="{picture.code}"' in desk.get("/owner/articles/new")


def test_a_mail_shows_it_as_wide_as_it_is_with_an_address_that_works_anywhere(
    picture: Picture, runtime: Runtime, article: int
) -> None:
    with runtime.database.reading() as session:
        house = current(session)
        seen = runtime.renderer.rendered(
            Stream.CAMPAIGN, house, Reader(0), Content("Hello", "", f"Look:\n\n{picture.code}\n"), {}
        )
    (tag,) = re.findall(r"<img[^>]*media[^>]*>", seen.html)
    assert f'src="http://localhost:8000/media/{picture.name}"' in tag
    assert 'width="200"' in tag
    assert 'alt="A teal field"' in tag


def test_the_same_picture_again_is_the_one_there_is(desk: Desk, picture: Picture, runtime: Runtime) -> None:
    desk.post("/owner/pictures", file=sent(), words="")
    with runtime.database.reading() as session:
        assert session.scalars(select(Picture)).one().words == "A [teal] field"


def test_one_that_stands_in_a_text_is_not_deleted_and_another_is(
    desk: Desk, picture: Picture, runtime: Runtime, client: FlaskClient
) -> None:
    desk.post("/owner/articles/new", **TEXT | {"title": "T", "body": f"Look {picture.code}"})
    with runtime.database.reading() as session:
        assert session.scalars(select(Article).where(Article.title == "T")).one()
    assert "in 1 article" in desk.read("/owner/pictures")
    assert "it stays" in desk.told(f"/owner/pictures/{picture.id}/delete")
    with client.get(picture.path) as answer:
        assert answer.status_code == 200
    desk.post("/owner/pictures", file=sent(90), words="Another")
    with runtime.database.reading() as session:
        other = session.scalars(select(Picture).where(Picture.words == "Another")).one()
    assert "Deleted." in desk.told(f"/owner/pictures/{other.id}/delete")
    assert client.get(other.path).status_code == 404
    assert not (runtime.media / other.name).exists()


@pytest.mark.parametrize("back_to_ours", [False, True])
def test_one_that_an_owners_words_in_mails_show_stays(
    desk: Desk, picture: Picture, client: FlaskClient, back_to_ours: bool
) -> None:
    desk.post("/owner/texts/guide", base="0", subject="", body=f"Look: {picture.code}", closing="")
    if back_to_ours:  # mails that were sent show it
        desk.post("/owner/texts/guide/ours", sure="yes")
    page = desk.read("/owner/pictures")
    assert "in mails, as their logo or in your words" in page and "Delete" not in page
    assert "it stays" in desk.told(f"/owner/pictures/{picture.id}/delete")
    with client.get(picture.path) as answer:
        assert answer.status_code == 200


def test_one_that_stands_in_a_draft_stays(desk: Desk, picture: Picture, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        place = drafts.Place(owner_id=1, sitting=drafts.new_sitting())
        drafts.keep(session, place, {"title": "Hips", "body": picture.code}, NOON)
    assert "in the draft “Hips”" in desk.told(f"/owner/pictures/{picture.id}/delete")
    with runtime.database.transaction() as session:
        session.scalars(select(drafts.Draft)).one().close(NOON)
    assert "Deleted." in desk.told(f"/owner/pictures/{picture.id}/delete")


def test_words_can_be_changed(desk: Desk, picture: Picture) -> None:
    assert "Saved." in desk.told(f"/owner/pictures/{picture.id}/words", words="A <b>field</b>")
    page = desk.get("/owner/pictures")
    assert "A &lt;b&gt;field&lt;/b&gt;" in page
    assert "![A bfield/b]" in page


def test_the_editor_gets_the_code_or_what_is_wrong_as_json(desk: Desk) -> None:
    desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    ask = {"Accept": "application/json"}
    form = {"csrf_token": desk.token, "file": sent()}
    assert re.fullmatch(
        r"!\[\]\(/media/[0-9a-f]{20}-200x100\.png\)",
        desk.client.post("/owner/pictures", data=form, headers=ask).get_json()["code"],
    )
    form = {"csrf_token": desk.token, "file": (io.BytesIO(b"MZ"), "x.png")}
    answer = desk.client.post("/owner/pictures", data=form, headers=ask)
    assert answer.status_code == 422
    assert "cannot be read as a picture" in answer.get_json()["error"]


def test_what_is_no_picture_is_told_beside_the_field(desk: Desk) -> None:
    answer = desk.post("/owner/pictures", file=(io.BytesIO(b"MZ"), "x.png"), words="Typed")
    assert answer.status_code == 422
    assert "cannot be read as a picture" in answer.text
    assert 'value="Typed"' in answer.text
    assert "Choose a picture first." in desk.post("/owner/pictures", words="x").text


def test_one_too_large_to_be_read_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.post("/owner/settings/zone", zone="Europe/London")
    monkeypatch.setitem(LARGEST, "owner.picture_add", 3000)  # type: ignore[arg-type]
    answer = desk.post("/owner/pictures", file=(io.BytesIO(b"x" * 9000), "x.png"))
    assert answer.status_code == 413
    assert "This file is larger than 3 kB." in answer.text


def test_a_picture_that_is_not_there_stops_a_campaign(desk: Desk, runtime: Runtime) -> None:
    gone = "0" * 20 + "-9x9.png"
    desk.post("/owner/articles/new", **TEXT | {"title": "T", "body": f"![x](/media/{gone})"})
    with runtime.database.reading() as session:
        id = session.scalars(select(Article.id).where(Article.title == "T")).one()
    page = desk.post("/owner/campaigns/new", article=id, audience="").text
    assert f"/media/{gone} is not there." in page
