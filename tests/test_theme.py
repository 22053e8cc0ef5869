"""What a theme may be, and colours that can be read."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.contrast import ACCENT, READABLE, contrast, nearest
from newsletter.theme import FIRST, BadTheme, Look

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
LOGO = {"logo": "0a1b2c3d4e-300x100.png", "logo_words": "Human Movement", "logo_width": 150}


def test_the_first_look_can_be() -> None:
    FIRST.check()
    replace(FIRST, **LOGO).check()
    assert replace(FIRST, **LOGO).logo_height == 50


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("accent", one) for one in ("red;}", "red", "#0f5f6", "#0f5f633", "#0F5F63", "#0f5f63\n", "", "#ffcc00")),
        *(("ground", one) for one in ("{{7*7}}", "#12345g", "</style>")),
        ("footer", "x" * 501),
        ("footer", "a\n" * 9),
        ("footer", "x" * 10_000),
        ("logo", "../secret_key"),
        ("logo", "https://elsewhere.example/x.png"),
        ("logo_words", ""),
        ("logo_words", "x" * 121),
        ("logo_width", 0),
        ("logo_width", 5000),
    ],
)
def test_what_cannot_be_is_told_with_its_field(field: str, value: Any) -> None:
    with pytest.raises(BadTheme) as caught:
        replace(FIRST, **LOGO | {field: value}).check()
    assert caught.value.field == field and len(str(caught.value)) > 20


@pytest.mark.parametrize(
    ("look", "guide", "mail"),
    [
        (FIRST, ACCENT, ACCENT),
        (FIRST, "#8a3b12", "#8a3b12"),
        (Look(accent="#123456"), ACCENT, "#123456"),
        (Look(accent="#123456"), "#8a3b12", "#8a3b12"),
        (Look(accent="#123456", guide_colours=False), "#8a3b12", "#123456"),
    ],
)
def test_a_guide_keeps_the_colour_that_it_was_given(look: Look, guide: str, mail: str) -> None:
    assert look.accent_of(guide) == mail


@given(COLOURS, COLOURS)
def test_the_nearest_colour_can_be_read(colour: str, other: str) -> None:
    found = nearest(colour, other)
    assert contrast(found, other) >= READABLE
    assert (found == colour) == (contrast(colour, other) >= READABLE)


@pytest.mark.parametrize(("colour", "found"), [("#ffcc00", "#8f7200"), ("#ff0000", "#ed0000"), ("#0f5f63", "#0f5f63")])
def test_the_nearest_colour_keeps_its_hue(colour: str, found: str) -> None:
    assert nearest(colour, "#ffffff") == found
