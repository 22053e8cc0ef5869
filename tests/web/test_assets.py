"""Style sheets and scripts: kept for ever under an address that changes with them, packed, and nothing else."""

import gzip
import re

import pytest

from newsletter.settings import ROOT
from newsletter.web import assets
from tests.web.conftest import Visitor

PACKED = {"Accept-Encoding": "gzip"}


def _linked(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/assets/[^"]+)"', page)


def test_a_page_names_them_by_their_print(visitor: Visitor) -> None:
    page = visitor.get("/").text
    linked = _linked(page)
    assert len(linked) >= 4 and "/static/" not in page
    for address in linked:
        answer = visitor.browser.get(address, headers=PACKED)
        assert answer.status_code == 200, address
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["Vary"] == "Accept-Encoding"


def test_packed_or_not_it_is_the_same_file(visitor: Visitor) -> None:
    whole = (ROOT / "static" / "css" / "site.css").read_bytes()
    address = f"/assets/{assets.print_of_all()}/css/site.css"
    packed = visitor.browser.get(address, headers=PACKED)
    assert gzip.decompress(packed.data) == whole and len(packed.data) < len(whole) / 2
    assert visitor.browser.get(address).data == whole
    assert packed.mimetype == visitor.browser.get(address).mimetype == "text/css"


@pytest.mark.parametrize("path", ["/assets/0123456789abcdef/css/site.css", "/static/css/site.css"])
def test_under_another_print_it_is_todays_but_not_kept(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert answer.data == (ROOT / "static" / "css" / "site.css").read_bytes()
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", ["/static/css/site.css", "/colours/123456.css"])
def test_what_is_the_same_for_everybody_hangs_on_no_cookie(visitor: Visitor, path: str) -> None:
    visitor.browser.set_cookie("session", "anything")
    answer = visitor.get(path)
    assert "Cookie" not in answer.headers.get("Vary", "") and "Set-Cookie" not in answer.headers


def test_a_script_finds_its_parts_under_the_same_print(visitor: Visitor) -> None:
    folder = f"/assets/{assets.print_of_all()}/js/composer"
    parts = re.findall(r'from "\./(\w+\.js)"', visitor.get(f"{folder}/main.js").text)
    assert len(parts) >= 3
    assert [visitor.get(f"{folder}/{part}").status_code for part in parts] == [200] * len(parts)


@pytest.mark.parametrize(
    "path",
    ["guides/exercise-at-50.pdf", "css/../../site.toml", "css/", "packages/", "packages/other.css", "css/%00.css"],
)
def test_nothing_else_is_served(visitor: Visitor, path: str) -> None:
    assert visitor.get(f"/assets/{assets.print_of_all()}/{path}").status_code == 404
