"""The site in its owner's colours, which can be read by day and by night."""

import re

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from newsletter import brand
from newsletter.contrast import ACCENT, DARK, LIGHT, READABLE, contrast
from newsletter.runtime import Runtime
from newsletter.theme import FIRST, BadTheme, Look
from newsletter.web.colours import DAY, NIGHT, sheet
from tests.web.conftest import Visitor

RED = "#aa1122"
LOGO = "0123456789abcdef0123-480x160.png"
WORN = Look(accent=RED, logo=LOGO, logo_words="Kate’s practice", logo_width=240)


def _wear(runtime: Runtime, look: Look) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).wear(look, "", "")


def _may_be(accent: str) -> bool:
    try:
        Look(accent=accent).check()
    except BadTheme:
        return False
    return True


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}").filter(_may_be))
def test_every_colour_that_a_theme_may_have_can_be_read(accent: str) -> None:
    with Flask(__name__).app_context():
        told = sheet(accent.removeprefix("#")).get_data(as_text=True)
    (day, on_day), (night, on_night) = re.findall(r"--accent: (#\w+); .*?--on-accent: (#\w+)", told)
    assert min(contrast(day, DAY), contrast(day, LIGHT), contrast(on_day, day)) >= READABLE
    assert min(contrast(night, NIGHT), contrast(night, DARK), contrast(on_night, night)) >= READABLE


def test_a_new_install_needs_no_sheet(visitor: Visitor, runtime: Runtime) -> None:
    assert FIRST.accent == ACCENT
    page = visitor.get("/").text
    assert "/colours/" not in page and f">{_name(runtime)}</a>" in page


@pytest.mark.parametrize("path", ["/", "/archive", "/nothing-here", "/confirm/broken"])
def test_every_page_of_the_site_wears_the_theme(visitor: Visitor, runtime: Runtime, path: str) -> None:
    _wear(runtime, WORN)
    page = visitor.get(path).text
    assert 'href="/colours/aa1122.css"' in page
    assert f'<img src="/media/{LOGO}" width="240" height="80" alt="Kate’s practice">' in page
    assert RED in visitor.get("/colours/aa1122.css").text


def _name(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return brand.current(session).name
