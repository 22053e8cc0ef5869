"""One source of safety: the books show it, and no other text asks for less."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

from tests.guides.conftest import ROOT, load_script

Guide = dict[str, Any]
SAFETY = load_script("safety")
RULES = SAFETY.read_rules()
SIGNS = {sign["id"]: sign for sign in RULES["signs"]}
SPEEDS = {speed["id"]: speed["head"] for speed in RULES["speeds"]}
RANKS = {key: rank for rank, key in enumerate(SPEEDS)}


@pytest.fixture(scope="session")
def safety() -> ModuleType:
    """guides/safety.py as a module."""
    return SAFETY


@pytest.fixture(scope="session")
def words(book: pypdf.PdfReader) -> str:
    """A book's text on one line."""
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in book.pages))


def _in_prose(words: str) -> str:
    return re.sub(r"\s+", " ", words)


@pytest.mark.parametrize("sign", RULES["signs"], ids=lambda sign: sign["id"])
def test_a_sign_has_a_speed_and_sources_and_is_found_by_its_own_words(sign: dict[str, Any]) -> None:
    assert sign["speed"] in SPEEDS
    assert sign["sources"] and set(sign["sources"]) <= set(RULES["sources"])
    assert sign["id"] in {one["id"] for one in SAFETY.named_in(sign["words"], RULES)}


def test_every_source_is_used() -> None:
    used = {one for sign in RULES["signs"] for one in sign["sources"]} | set(RULES["bone"]["sources"])
    assert used == set(RULES["sources"])
    assert {one["read"] for one in RULES["sources"].values()} <= {"text", "part", "not yet"}


def test_the_two_fastest_speeds_rest_on_something_that_was_read() -> None:
    for sign in RULES["signs"]:
        if sign["speed"] in ("call", "hospital"):
            assert any(RULES["sources"][one]["read"] != "not yet" for one in sign["sources"]), sign["id"]


@pytest.mark.parametrize("path", SAFETY.texts(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_text_asks_for_less_than_the_source(path: Path) -> None:
    assert SAFETY.faults(SAFETY.plain(path), RULES) == []


@pytest.mark.parametrize(
    ("sign", "slower"),
    [(sign, speed) for sign in SIGNS for speed in SPEEDS if RANKS[speed] > RANKS[SIGNS[sign]["speed"]]],
)
def test_a_sign_that_is_triaged_lower_is_found(sign: str, slower: str) -> None:
    """As a sentence, as the item of a list, and in the sentence after it."""
    words = SIGNS[sign]["words"].replace(";", ",")
    for text in (
        f"{SPEEDS[slower]}: {words}.",
        f"{SPEEDS[slower]} for any of these:\n\n- {words}\n",
        f"{words}. {SPEEDS[slower]}.",
        f"{words}.",
    ):
        assert any(fault.startswith(f"{sign}:") for fault in SAFETY.faults(text, RULES)), text


@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_at_its_own_speed_or_a_faster_one_passes(sign: str) -> None:
    words = SIGNS[sign]["words"].replace(";", ",")
    for speed in SPEEDS:
        if RANKS[speed] <= min(RANKS[one["speed"]] for one in SAFETY.named_in(words, RULES)):
            assert SAFETY.faults(f"{SPEEDS[speed]}: {words}.", RULES) == []
            assert SAFETY.faults(f"{SPEEDS[speed]} for any of these:\n\n- {words}\n", RULES) == []


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("See a clinician soon, and today if it is severe:\n\n- numbness around the groin\n", "cauda-equina"),
        ("If chest pain does not pass, call 999.", "chest"),
        ("Book your GP if you have been stiff each morning for months.", "stiffness"),
        ("Book your GP for morning stiffness that lasts half an hour for three weeks.", "stiffness"),
        ("Call 999 for slurred speech and see your GP about weight loss.", "weight"),
        ("A new headache when you chew is nothing. Walk on.", "artery"),
        ("Weakness in one leg that is getting worse: see a physiotherapist.", "weakness"),
    ],
)
def test_a_text_of_the_old_kind_is_found(text: str, sign: str) -> None:
    assert any(fault.startswith(f"{sign}:") for fault in SAFETY.faults(text, RULES))


@pytest.mark.parametrize(
    "text",
    [
        "Green, 0 to 4: Carry on. Add a little next time.",
        "Red, 6 or more: go back to the last step that was green.",
        "Go back if the joint hurts above 5 of 10.",
    ],
)
def test_another_traffic_light_is_found(text: str) -> None:
    assert SAFETY.faults(text, RULES) != []


def test_a_text_that_asks_for_impact_says_the_bone_rule() -> None:
    assert SAFETY.faults("Do ten heel drops.", RULES) == [
        f"bones: asks for “heel drops” without “{RULES['bone']['who']}, …”"
    ]
    assert SAFETY.faults(f"Do ten heel drops. {RULES['bone']['who']}, {RULES['bone']['rule']}", RULES) == []


def test_the_traffic_light_of_the_source_passes() -> None:
    text = "\n\n".join(f"- **{one['name']}, {one['pain']}:** {one['do']}" for one in RULES["light"])
    assert SAFETY.faults(SAFETY.plain_markdown(text), RULES) == []


def test_chapters_are_read_cell_by_cell() -> None:
    """In a table a condition stands beside what to do about it; the next row is another matter."""
    chapter = '#data-table((1fr, 1fr), ("If", "Then"),\n  [*Slurred speech*], [Book your GP],\n  [Sore], [Call 999])\n'
    assert SAFETY.faults(SAFETY.plain_typst(chapter), RULES) != []


def test_a_book_shows_every_sign_under_its_speed(words: str) -> None:
    for sign in SIGNS.values():
        assert _in_prose(sign["words"]) in words, sign["id"]
    for head in SPEEDS.values():
        assert head in words


def test_a_book_asks_before_the_first_session(words: str) -> None:
    for one in RULES["ask"]:
        assert one["words"] in words, one["id"]
    for rule in RULES["stop"].values():
        assert rule in words


def test_each_exercise_that_bends_or_jars_is_marked(words: str, guide: Guide) -> None:
    mark = re.escape(RULES["bone"]["mark"])
    assert f"{RULES['bone']['who']}, {RULES['bone']['rule']}" in words
    for name in RULES["bone"]["marked"][guide["slug"]]:
        assert re.search(re.escape(name) + r".{0,90}?" + mark, words, re.IGNORECASE), name


def test_a_book_shows_the_one_traffic_light(words: str) -> None:
    for light in RULES["light"]:
        for part in (light["means"], light["do"]):
            assert part in words, light["id"]
        assert re.search(rf"{light['name']}: ?{light['pain']}", words)


def test_the_script_says_what_disagrees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "letter.md"
    letter.write_text("---\ntitle: x\n---\nSee your doctor about chest pain.\n")
    assert SAFETY.main([str(letter)]) == 1
    assert "letter.md: chest: slower than “Call 999 or 112 now”" in capsys.readouterr().err
    letter.write_text("---\ntitle: x\n---\nCall 999 for chest pain.\n")
    assert SAFETY.main([str(letter)]) == 0


def test_the_chapters_type_no_rule_of_their_own() -> None:
    """The words of the boxes stand in safety.toml alone."""
    chapters = " ".join(path.read_text() for path in (ROOT / "guides").glob("*/*.typ"))
    for one in [*RULES["signs"], *RULES["ask"]]:
        assert one["words"] not in chapters
