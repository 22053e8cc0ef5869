"""The reading-age script: its counting, and what it says of the books."""

from pathlib import Path
from types import ModuleType

import pytest


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("pain", 1),
        ("moves", 1),
        ("walked", 1),
        ("muscles", 2),
        ("changes", 2),
        ("needed", 2),
        ("people", 2),
        ("quiet", 2),
        ("idea", 3),
        ("exercise", 3),
        ("progressive", 3),
    ],
)
def test_counts_spoken_syllables(reading_script: ModuleType, word: str, syllables: int) -> None:
    assert reading_script.count_syllables(word) == syllables


def test_grade_follows_kincaid(reading_script: ModuleType) -> None:
    """Ten one-syllable words in one sentence: 0.39 x 10 + 11.8 x 1 - 15.59."""
    reading = reading_script.measure(["The cat sat on the mat and had a nap."])
    assert (reading.words, reading.sentences, reading.syllables) == (10, 1, 10)
    assert reading.grade == pytest.approx(0.11)
    assert reading.age == pytest.approx(5.11)


def test_markdown_leaves_out_what_is_not_prose(reading_script: ModuleType, tmp_path: Path) -> None:
    letter = tmp_path / "letter.md"
    letter.write_text(
        "---\ntitle: A title is no sentence\n---\n{{ greeting }},\n\n## A heading too\n\n"
        "Walk [for ten minutes](https://example.org/walk). Rest *well*.\n\n- One thing at a time.\n"
    )
    sentences = [one for one in reading_script.markdown_sentences(letter) if len(one.split()) > 1]
    assert sentences == ["Walk for ten minutes.", "Rest well.", "One thing at a time."]


def test_the_book_reads_at_fourteen_or_below(reading_script: ModuleType, book_path: Path) -> None:
    reading = reading_script.measure(reading_script.pdf_sentences(book_path))
    assert reading.words > 500
    assert reading.age <= 14
