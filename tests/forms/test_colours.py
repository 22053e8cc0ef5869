"""Colours that people can read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.contrast import CLEAR, lightened
from newsletter.forms import BadColours, Colours
from newsletter.forms.colours import READABLE, SEEN, contrast

HEX = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#ffffff") == 1
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01), "the well-known grey that just fails"
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01), "and the one that just passes"


@pytest.mark.parametrize(
    ("colours", "told"),
    [
        (("#ffffff", "#777777", "#0f5f63"), "text has a contrast of 4.5 : 1"),
        (("#ffffff", "#111111", "#ffcc00"), "button has a contrast of 1.5 : 1"),
        (("#fff", "#111111", "#0f5f63"), "colour of the ground"),
        (("#ffffff", "red", "#0f5f63"), "colour of the text"),
        (("#ffffff", "#111111", "#0f5f6}"), "colour of the button"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(colours: tuple[str, str, str], told: str) -> None:
    with pytest.raises(BadColours, match=told):
        Colours(*colours).check()


@given(HEX, HEX, HEX)
def test_what_is_accepted_can_be_read_everywhere(ground: str, ink: str, accent: str) -> None:
    colours = Colours(ground, ink, accent)
    assert contrast(colours.on_accent, accent) >= READABLE, "the button's label is chosen for it"
    try:
        colours.check()
    except BadColours:
        return
    assert min(contrast(ink, ground), contrast(accent, ground)) >= READABLE
    assert contrast(colours.edge, ground) >= SEEN


@given(HEX, st.sampled_from(["#000000", "#141b1b", "#1c2525"]))
def test_a_lightened_colour_is_clear_on_a_dark_ground(colour: str, ground: str) -> None:
    assert contrast(lightened(colour, ground), ground) >= CLEAR
