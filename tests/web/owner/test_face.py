"""The typeface that a package carries: served like our own sheets, given up where it ought to be."""

import gzip
import re
from dataclasses import replace

import pytest

from newsletter.brand import current
from newsletter.runtime import Runtime
from newsletter.settings import ROOT
from newsletter.theme import FIRST, Font
from newsletter.web import assets
from tests.web.conftest import FIFTY, Visitor
from tests.web.owner.conftest import Desk

PRELOAD = re.compile(r'<link rel="preload" as="font" type="font/otf" crossorigin href="([^"]+)">')
SHEET = "/css/face.css"


@pytest.mark.parametrize("path", ["/", f"/guides/{FIFTY}", "/archive", "/nowhere", "/owner/login", "/owner/"])
def test_both_kinds_of_pages_ask_for_it_ahead(path: str, visitor: Visitor, desk: Desk) -> None:
    page = desk.get(path) if path == "/owner/" else visitor.get(path).text
    ahead = PRELOAD.findall(page)
    assert [one.rsplit("/", 1)[1] for one in ahead] == ["HankenGrotesk-Regular.otf", "HankenGrotesk-Bold.otf"]
    assert page.index(ahead[0]) < page.index(SHEET)
    for address in ahead:
        answer = visitor.browser.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200 and answer.mimetype == "font/otf"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data).startswith(b"OTTO") and len(answer.data) < 40_000


@pytest.mark.parametrize("path", ["/", "/owner/login"])
def test_the_policy_allows_it(path: str, visitor: Visitor) -> None:
    assert "font-src 'self'" in visitor.get(path).headers["Content-Security-Policy"]


def test_its_sheet_names_what_is_asked_for_ahead() -> None:
    named = re.findall(r'url\("\.\./([^"]+)"\)', (ROOT / "static" / "css" / "face.css").read_text(encoding="utf-8"))
    assert named == list(assets.FACES)


def test_scripts_and_sheets_of_other_peoples_pages_have_none_of_it(visitor: Visitor) -> None:
    for path in (f"/embed/{FIFTY}", f"/embed/{FIFTY}.js"):
        page = visitor.get(path)
        assert page.status_code == 200 and "Hanken" not in page.text and SHEET not in page.text


def test_without_the_package_pages_are_as_they_were(monkeypatch: pytest.MonkeyPatch, visitor: Visitor) -> None:
    assert assets.faces_in("no_such_package") == {}
    monkeypatch.setattr(assets, "FACES", {})
    for path in ("/", "/owner/login"):
        page = visitor.get(path).text
        assert SHEET not in page and "preload" not in page


def choose(runtime: Runtime, font: Font) -> None:
    """The owner's theme asks for this."""
    with runtime.database.transaction() as session:
        current(session).wear(replace(FIRST, font=font), "{{ content }}", "")


@pytest.mark.parametrize("font", [font for font in Font if font is not Font.MIXED])
def test_the_owners_own_choice_wins_on_the_site(font: Font, runtime: Runtime, visitor: Visitor, desk: Desk) -> None:
    choose(runtime, font)
    page = visitor.get("/").text
    assert f' data-font="{font.value}">' in page and SHEET not in page and "preload" not in page
    assert f'[data-font="{font.value}"]' in (ROOT / "static" / "css" / "site.css").read_text(encoding="utf-8")
    assert SHEET in desk.get("/owner/") and "data-font" not in desk.get("/owner/")
