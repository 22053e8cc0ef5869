"""An article in the weekly mail: filled in for its reader, and its first words where it has no preheader."""

import pytest

from newsletter.brand import Brand
from newsletter.mail.render import BadArticle, Content, Reader, Renderer, teaser
from newsletter.mail.render.teaser import LONGEST
from newsletter.subscribers import FIRST_NAME

JANE = Reader(5, {FIRST_NAME: "Jane"}, 77)
LONG = "Stairs load the knee with three times your weight, and nobody told you."


def _words(renderer: Renderer, house: Brand, body: str, preheader: str = "") -> str:
    return teaser(renderer, Content("S", preheader, body), house, JANE).words


def test_subject_and_preheader_are_filled_in(renderer: Renderer, house: Brand) -> None:
    found = teaser(renderer, Content("Golf, {{ first_name }}", "For {{ first_name }}\nalone", LONG), house, JANE)
    assert (found.message, found.title, found.words) == (77, "Golf, Jane", "For Jane alone")


@pytest.mark.parametrize(
    ("body", "first"),
    [
        ("{{ greeting }},\n\n" + LONG, LONG),
        ("# Knees\n\n" + LONG + "\n\nMore.", LONG),
        ("Short.\n\nAnd shorter.", "Short. And shorter."),
        (LONG + " See [how](https://example.com/a?b=c) it works.", LONG + " See how it works."),
        (
            LONG + " [More](https://example.com/a), {% if first_name %}[how](https://example.com/b)?{% endif %}",
            LONG + " More, how?",
        ),
        ("**Bold** {{ first_name }}, " + LONG, "Bold Jane, " + LONG),
    ],
)
def test_its_first_words(renderer: Renderer, house: Brand, body: str, first: str) -> None:
    assert _words(renderer, house, body) == first


def test_long_ones_are_cut_behind_a_word(renderer: Renderer, house: Brand) -> None:
    said = _words(renderer, house, "wonderful " * 100)
    assert len(said) <= LONGEST + 2 and said.endswith("wonderful …")


def test_what_cannot_be_filled_in_says_so(renderer: Renderer, house: Brand) -> None:
    with pytest.raises(BadArticle):
        _words(renderer, house, "{{ nobody }}")
