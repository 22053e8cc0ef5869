"""How many have no value in a field that a mail names, and what they will read."""

from collections.abc import Callable

import pytest

from newsletter import brand, preflight
from newsletter.mail.contents import content
from newsletter.preflight import Level, Report
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, Segment, set_values
from tests.conftest import NOON
from tests.preflight.conftest import said


@pytest.fixture
def look(runtime: Runtime, person: Callable[..., int]) -> Callable[..., Report]:
    """What is said to Ann of Leeds, and to Bob and Cy, of whom no town is known."""
    ids = [person(f"{name.lower()}@example.com", name) for name in ("Ann", "Bob", "Cy")]
    with runtime.database.transaction() as session:
        city = Field(key="city", label="Town", created_at=NOON)
        size = Field(key="size", label="Size", fallback="your size", created_at=NOON)
        session.add_all([city, size])
        session.flush()
        set_values(session, ids[0], {city: "Leeds"})
        for id in ids:
            set_values(session, id, {size: "1"} if id != ids[2] else {})

    def looked(body: str, subject: str = "s", everybody: bool = True) -> Report:
        with runtime.database.reading() as session:
            house, words = brand.current(session), content(session, subject, "", body)
            if everybody:
                return preflight.check(session, runtime.renderer, house, words, Segment())
            return preflight.check_words(session, runtime.renderer, house, words)

    return looked


def test_the_fall_back_is_told_with_how_many_read_it(look: Callable[..., Report]) -> None:
    told = said(look("{{ fields.size }}"), Level.TOLD)
    assert "Size: 1 of 3 have no “Size”: they will read the fall-back, “your size”" in told
    assert "Town" not in told
    assert "Some may have no “Size”" in said(look("{{ fields.size }}", everybody=False), Level.TOLD)


def test_nothing_is_told_where_it_is_empty(look: Callable[..., Report]) -> None:
    told = said(look("In {{ fields.city }}."), Level.TOLD)
    assert "2 of 3 have no “Town”: they will read nothing at {{ fields.city }}" in told and "fall-back" in told
    assert '{{ fields.city|default("…") }}' in told
    told = said(look('In {{ fields.city|default("town") }}.'), Level.TOLD)
    assert "2 of 3 have no “Town”: they will read what the text says" in told


def test_a_subject_that_reads_badly_without_it_is_a_warning(look: Callable[..., Report]) -> None:
    warned = said(look("x", subject="{{ first_name }}, news from {{ fields.city }} !"), Level.WARNING)
    assert "reads “…, news from !”" in warned
    assert said(look("x", subject="News from {{ fields.size }}"), Level.WARNING) == ""


def test_a_field_that_everybody_has_is_good_and_one_that_is_gone_stops_it(look: Callable[..., Report]) -> None:
    assert "fields.gone" in said(look("{{ fields.gone }}"), Level.BLOCK)
