"""The books of other owners: awkward names, addresses and colours, at the same pages."""

import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

from tests.guides.conftest import ROOT

LONG_NAME = "Westmorland Institute of Strength, Rehab & Sport"
ADDRESSES = (
    ["c/o The Old Corn Exchange and Market Hall", "Suite 14b, Third Floor, Riverside Business Quarter",
     "117–119 Great Northumberland Street West", "Kirkby-in-Westmorland-with-Staveley, LA9 9ZZ"],
    [],
    ["Größe Straße 12", "1010 Wien"],
)  # fmt: skip
BRANDS: tuple[dict[str, Any], ...] = (
    {"name": LONG_NAME, "address": ADDRESSES[0], "author": "Dr Maximiliana Featherstonehaugh-Cholmondeley",
     "website": "https://www.westmorland-institute-of-strength-rehab-and-sport.example/patients/guides/free?lang=en",
     "email": "appointments.and.questions@westmorland-institute-of-strength-rehab-and-sport.example",
     "strapline": "Physiotherapy, strength training and sports rehabilitation for the whole of the north-west",
     "audience": "women and men over 50 who have been told to take it easy", "methods": ["A", "B", "C"]},
    {"name": "Jo", "address": ADDRESSES[1], "phone": "", "country": "", "website": "http://jo.example/",
     "email": "j@jo.example", "strapline": "Rehab", "audience": "people over 40", "methods": []},
    {"name": "Σώμα & Bewegung – Žižkov", "address": ADDRESSES[2], "phone": "+43 1 123 45 67", "country": "Österreich",
     "website": "https://soma.example", "email": "grüße@soma.example", "strapline": "Kraft “ohne” Schmerz"},
)  # fmt: skip
ACCENTS = ("#4b2a7b", "#000000", "#7a1f3d")


def site(number: int) -> dict[str, Any]:
    """site.toml as one of those owners would write it."""
    made: dict[str, Any] = tomllib.loads((ROOT / "site.toml").read_text(encoding="utf-8"))
    made["brand"] |= BRANDS[number]
    made["edition"] |= {"author": made["brand"]["author"], "credentials": "BSc (Hons), MCSP"}
    for guide in made["guides"]:
        guide["accent"] = ACCENTS[number]
    return made


def test_the_long_name_has_48_letters_and_the_address_four_lines() -> None:
    assert len(LONG_NAME) == 48
    assert len(ADDRESSES[0]) == 4


@pytest.mark.parametrize("number", range(len(BRANDS)))
def test_an_awkward_brand_gets_both_books_at_their_pages(build_script: ModuleType, tmp_path: Path, number: int) -> None:
    made = site(number)
    assert build_script.build(made, tmp_path) == []
    for guide in made["guides"]:
        with pypdf.PdfReader(tmp_path / f"{guide['slug']}.pdf") as book:
            assert len(book.pages) == guide["pages"]
            text = " ".join(" ".join(page.extract_text() for page in book.pages).replace("\u200b", "").split())
        for part in (made["brand"]["name"], made["brand"]["author"], *made["brand"]["address"]):
            assert "".join(part.split()) in "".join(text.split())  # a name breaks at its hyphen
        assert ", ," not in text and "Human Movement" not in text
        page = (tmp_path / guide["slug"] / "read.html").read_text(encoding="utf-8")
        assert made["brand"]["author"] in page and "Human Movement" not in page


def test_a_brand_that_fits_nowhere_is_told_which_page_overflows(build_script: ModuleType, tmp_path: Path) -> None:
    made = site(0)
    made["brand"]["strapline"] = "strong and steady " * 120
    failures = build_script.build(made, tmp_path)
    assert len(failures) == 2
    for failure, guide in zip(failures, made["guides"], strict=True):
        assert failure.startswith(f"{guide['slug']}: ")
        assert "overflows" in failure
    assert not list(tmp_path.glob("*.pdf"))


@pytest.mark.parametrize(
    ("accent", "told"),
    [
        ("#e2b714", "words in the accent #e2b714 would stand out from #ffffff by 1.9 to 1 only; take a darker one"),
        ("teal", "the accent “teal” is no colour of the kind #0f5f63"),
    ],
)
def test_an_accent_that_nobody_can_read_is_refused(
    build_script: ModuleType, tmp_path: Path, accent: str, told: str
) -> None:
    made = site(1)
    made["guides"] = [made["guides"][0] | {"accent": accent}]
    (failure,) = build_script.build(made, tmp_path)
    assert told in failure
    assert not list(tmp_path.iterdir())


def test_words_past_the_edge_are_found(build_script: ModuleType, tmp_path: Path) -> None:
    made = site(1)
    made["edition"]["author"] = "M" * 90
    failures = build_script.build(made, tmp_path)
    assert all("words run past its edge near" in failure for failure in failures) and len(failures) == 2


def test_the_chapters_type_no_owner() -> None:
    """Whom the books are for, the city and the methods are the owner's data."""
    chapters = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "guides").rglob("*.typ"))
    brand = tomllib.loads((ROOT / "site.toml").read_text(encoding="utf-8"))["brand"]
    for own in (
        brand["audience"],
        "City of London",
        *(one for one in brand["methods"] if one.istitle()),
        *brand["address"],
        brand["name"],
        brand["email"],
    ):
        assert own.lower() not in chapters.lower(), own
