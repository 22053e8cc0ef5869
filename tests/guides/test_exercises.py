"""Where each exercise is felt, and when to stop it: said beside each drawing, and alike in both books."""

import re
from pathlib import Path
from typing import Any

import pypdf
import pytest

from tests.guides.conftest import ROOT, SLUGS

LADDER = {"1. Prone lift", "2. Long prone lift", "3. Seated band extension", "4. Roman chair extension"}
"""Of these the paragraph above them says both, once."""
REST = {"Legs up, slow breaths"}
PARTS = {
    "name": r'^(?:key: "[^"]+", )?"([^"]+)"',
    "drawing": r"\bdraw\.([\w-]+)",
    "feel": r"\bfeel: \[([^\]]+)\]",
    "stop": r"\bstop: \[([^\]]+)\]",
}


def _exercises(slug: str) -> list[dict[str, str]]:
    """Name, drawing, `feel` and `stop` of each exercise in a book's sources; "" where one is not given."""
    found = []
    for chapter in sorted((ROOT / "guides" / slug).glob("*.typ")):
        for call in chapter.read_text(encoding="utf-8").split("#exercise(")[1:]:
            seen = {key: re.search(pattern, call) for key, pattern in PARTS.items()}
            found.append({key: match[1] if match else "" for key, match in seen.items()})
    return found


@pytest.mark.parametrize("slug", SLUGS)
def test_each_exercise_says_where_it_is_felt_and_when_to_stop(slug: str) -> None:
    exercises = _exercises(slug)
    assert len(exercises) >= 13
    silent = {one["name"] for one in exercises if not (one["feel"] and one["stop"])}
    assert silent <= LADDER | REST


def test_the_ladder_says_both_above_its_rungs() -> None:
    chapter = (ROOT / "guides" / "recover-from-pain" / "principle-7.typ").read_text(encoding="utf-8")
    above = chapter.partition("== The ladder")[2].partition("#exercise(")[0]
    assert "*Feel it* beside the spine, on every rung." in above
    assert "*Stop if* pain runs down a leg." in above


def test_one_drawing_says_the_same_in_both_books() -> None:
    first, second = ({one["drawing"]: one for one in _exercises(slug) if one["stop"]} for slug in SLUGS)
    shared = (set(first) & set(second)) - {""}
    assert len(shared) >= 7
    for drawing in shared:
        assert (first[drawing]["feel"], first[drawing]["stop"]) == (second[drawing]["feel"], second[drawing]["stop"]), (
            drawing
        )


def test_both_editions_show_them(book: pypdf.PdfReader, guide: dict[str, Any]) -> None:
    page = (Path(ROOT) / "static" / "guides" / guide["slug"] / "read.html").read_text(encoding="utf-8")
    printed = " ".join(" ".join(one.extract_text() for one in book.pages).split())
    given = [one for one in _exercises(guide["slug"]) if one["stop"]]
    assert page.count("<strong>Feel it:</strong>") == page.count("<strong>Stop if:</strong>") == len(given)
    assert printed.count("Feel it:") == printed.count("Stop if:") == len(given)
