"""The owner's page of the theme."""

import io
import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from newsletter import brand
from newsletter.accounts import AuditEntry
from newsletter.mail.render import frame
from newsletter.media import Picture
from newsletter.runtime import Runtime
from newsletter.theme import FIRST, Look
from newsletter.web.bodies import LARGEST
from tests.web.owner.conftest import Desk, readable

PATH, GALLERY = "/owner/theme", "/owner/mails"
RED = "#aa1122"
TYPED = {
    "accent": RED, "ground": "#e8eef4", "font": "georgia", "corners": "round", "button": "outline",
    "guide_colours": "y", "logo": "", "logo_words": "", "logo_width": "", "body": "Company no. 12345",
    "mail": "guide", "base": "0", "verb": "save",
}  # fmt: skip


def _look(runtime: Runtime) -> Look:
    with runtime.database.reading() as session:
        return brand.current(session).look


def _log(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.reading() as session:
        rows = session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(action, detail) for action, detail in rows if "theme" in action]


def _picture(width: int = 300, height: int = 100) -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, "PNG")
    out.seek(0)
    return out, "logo.png"


def _frames(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'<iframe[^>]*src="([^"]+)"', page)]


def test_a_theme_is_saved_and_leads_to_all_mails_in_it(desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, **TYPED)
    assert answer.request.path == GALLERY and "every mail looks like these" in readable(answer.text)
    assert _look(runtime) == Look(
        accent=RED, ground="#e8eef4", font="georgia", corners="round", button="outline", footer="Company no. 12345"
    )
    for address in _frames(answer.text):
        seen = desk.get(address)
        assert "#e8eef4" in seen and "Company no. 12345" in seen, address
    assert answer.text.count("Company no. 12345") == len(_frames(answer.text)), "and in each text twin"
    assert [action for action, _ in _log(runtime)] == ["theme saved"]
    assert "accent #0f5f63 → #aa1122" in _log(runtime)[0][1] and "footer – → Company no. 12345" in _log(runtime)[0][1]
    page = desk.get(PATH)
    assert f'value="{RED}"' in page and "Company no. 12345" in page and 'name="base" type="hidden" value="1"' in page
    assert "Nothing was different." in desk.told(PATH, **TYPED | {"base": "1"})
    assert len(_log(runtime)) == 1


def test_it_goes_back_to_the_first_look(desk: Desk, runtime: Runtime) -> None:
    before = desk.get(f"{GALLERY}/confirm.html")
    assert "Back to the first look" not in desk.read(PATH)
    desk.post(PATH, **TYPED)
    assert desk.get(f"{GALLERY}/confirm.html") != before
    assert "tick the box" in desk.told(f"{PATH}/first") and _look(runtime).accent == RED
    assert "as it did at first" in desk.told(f"{PATH}/first", sure="yes")
    assert _look(runtime) == FIRST
    assert [action for action, _ in _log(runtime)] == ["theme saved", "theme taken back"]
    desk.told(f"{PATH}/first", sure="yes")
    assert len(_log(runtime)) == 2
    tokens = re.compile(r"/(?:confirm|not-me|view)/[^\"<]+")
    assert tokens.sub("", desk.get(f"{GALLERY}/confirm.html")) == tokens.sub("", before)


def test_what_is_typed_is_shown_and_not_saved(desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, **TYPED | {"verb": "show", "mail": "notice"})
    assert answer.status_code == 200 and f'value="{RED}"' in answer.text
    light, dark = (desk.get(address) for address in _frames(answer.text))
    assert all(RED in one and "Company no. 12345" in one and "A campaign is paused" in one for one in (light, dark))
    assert "@media not all" in light and "@media all" in dark
    assert _look(runtime) == FIRST and _log(runtime) == []


def test_contrast_is_told_and_a_colour_near_by_is_offered_for_one_press(desk: Desk, runtime: Runtime) -> None:
    faint = TYPED | {"accent": "#ffcc00", "ground": "#ffffff"}
    refused = desk.post(PATH, **faint)
    assert refused.status_code == 422 and "contrast of 1.5 : 1 with white" in readable(refused.text)
    assert 'name="take" value="accent:#8f7200"' in refused.text and 'value="#ffcc00"' in refused.text
    taken = desk.post(PATH, **faint | {"verb": "", "take": "accent:#8f7200"})
    assert taken.status_code == 200 and 'value="#8f7200"' in taken.text and "can be read" in readable(taken.text)
    assert "Company no. 12345" in taken.text and _look(runtime) == FIRST
    on_dark = desk.post(PATH, **TYPED | {"verb": "show", "ground": "#203040"})
    assert "in the footer they take the colour of the words there" in readable(on_dark.text)
    assert 'name="take" value="ground:#' in on_dark.text


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("accent", "red;}", "# and six digits"),
        ("accent", "{{7*7}}", "# and six digits"),
        ("ground", "#fff</style><script>", "# and six digits"),
        ("body", "x" * 10_000, "The footer takes 500 characters"),
        ("body", "a\r\n" * 20, "The footer takes 500 characters in 8 lines"),
        ("logo", "../../secret_key", "Choose a logo among the pictures"),
        ("logo", "0a1b2c3d4e-300x100.png", "Give the logo a width"),
    ],
)
def test_what_cannot_be_is_told_beside_what_was_typed(
    field: str, typed: str, told: str, desk: Desk, runtime: Runtime
) -> None:
    answer = desk.post(PATH, **TYPED | {field: typed})
    assert answer.status_code == 422 and told in readable(answer.text)
    kept = unescape(answer.text).replace("\r", "")
    assert typed.replace("\r", "") in kept or field == "logo"
    assert "#aa1122" in answer.text or field == "accent"
    assert "</style><script>" not in answer.text
    for address in _frames(answer.text):
        assert "red;}" not in desk.get(address)
    assert _look(runtime) == FIRST and _log(runtime) == []


def test_a_footer_is_words_and_nothing_else(desk: Desk) -> None:
    words = "<script>alert(1)</script> {{7*7}} {% raw %}\r\nBcc: victim@example.org\0"
    answer = desk.post(PATH, **TYPED | {"body": words})
    assert answer.request.path == GALLERY
    for address in _frames(answer.text):
        seen = desk.get(address)
        assert "<script" not in seen and "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} {% raw %}" in seen
        assert "<br>Bcc: victim@example.org</p>" in seen


def test_a_logo_comes_among_the_pictures_and_is_never_removed(desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, **TYPED | {"file": _picture(), "logo_words": "Human Movement"})
    assert answer.request.path == GALLERY
    with runtime.database.reading() as session:
        picture = session.scalars(select(Picture)).one()
    assert _look(runtime).logo == picture.name
    (tag,) = re.findall(r"<img[^>]*/media/[^>]*>", desk.get(f"{GALLERY}/confirm.html"))
    assert 'width="240"' in tag and 'height="80"' in tag and 'alt="Human Movement"' in tag
    desk.post(f"{PATH}/first", sure="yes")
    assert "show it as their logo" in desk.told(f"/owner/pictures/{picture.id}/delete")
    assert "in mails, as their logo" in desk.read("/owner/pictures")


@pytest.mark.parametrize("sent", [b"no picture", b"<svg onload=alert(1)>"])
def test_a_logo_that_is_no_picture_is_told_and_nothing_is_lost(sent: bytes, desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, **TYPED | {"file": (io.BytesIO(sent), "x.png"), "logo_words": "Us"})
    assert answer.status_code == 422 and "cannot be read as a picture" in readable(answer.text)
    assert RED in answer.text and "Company no. 12345" in answer.text and _look(runtime) == FIRST


def test_a_huge_logo_is_told(desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = desk.post(PATH, **TYPED | {"file": _picture(8000, 6000), "logo_words": "Us"})
    assert answer.status_code == 422 and "40 million" in readable(answer.text)
    monkeypatch.setitem(LARGEST, "owner.theme_save", 3000)  # type: ignore[arg-type]
    answer = desk.post(PATH, **TYPED | {"file": (io.BytesIO(b"x" * 9000), "x.png")})
    assert answer.status_code == 413 and "larger than 3 kB" in readable(answer.text) and _look(runtime) == FIRST


def test_a_logo_that_was_sent_with_a_slip_elsewhere_is_chosen_already(desk: Desk) -> None:
    answer = desk.post(PATH, **TYPED | {"file": _picture(), "logo_words": "Us", "accent": "red"})
    assert answer.status_code == 422
    assert re.search(r'<option selected value="[0-9a-f]+-300x100.png">', answer.text)


def test_the_second_of_two_tabs_is_told_and_may_replace(desk: Desk, runtime: Runtime) -> None:
    desk.post(PATH, **TYPED)
    mine = TYPED | {"accent": "#004488"}
    answer = desk.post(PATH, **mine)
    assert answer.status_code == 409 and "Somebody has saved another theme" in readable(answer.text)
    assert 'value="#004488"' in answer.text and 'name="base" type="hidden" value="1"' in answer.text
    assert _look(runtime).accent == RED
    assert desk.post(PATH, **mine | {"base": "1"}).request.path == GALLERY
    assert _look(runtime).accent == "#004488"


def test_where_the_layout_cannot_be_compiled_the_last_good_one_goes_on(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.post(PATH, **TYPED)
    monkeypatch.setattr(frame, "_SLIMMER", (*frame._SLIMMER, (r"\{% block content %\}", "{% block content")))
    answer = desk.post(PATH, **TYPED | {"accent": "#004488", "base": "1"})
    assert answer.status_code == 500 and "Nothing has changed, and mail goes on." in readable(answer.text)
    assert 'value="#004488"' in answer.text and _look(runtime).accent == RED
    assert RED in desk.get(f"{GALLERY}/confirm.html")


def test_a_preview_asks_for_a_mail_that_there_is(desk: Desk, client: FlaskClient) -> None:
    for query in ("", "?mail=guide", "?mail=guide&scheme=x", "?mail=../x&scheme=dark"):
        assert desk.client.get(f"{PATH}/mail{query}").status_code == 404
    bad: dict[str, Any] = {"mail": "guide", "scheme": "dark", "accent": "red;}", "logo": "x", "body": "y" * 5000}
    seen = desk.client.get(f"{PATH}/mail", query_string=bad)
    assert seen.status_code == 200 and "red;}" not in seen.text and "sandbox" in seen.headers["Content-Security-Policy"]
