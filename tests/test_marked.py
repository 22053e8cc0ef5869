"""Every sentence that is not marked is on a list: of what readers see there is none, of the rest ever fewer."""

import json

import pytest

from newsletter.settings import ROOT
from tests import unmarked

READERS = [
    *(ROOT / "templates" / "public").glob("*"), *(ROOT / "templates" / "email").rglob("*.*"),
    *(ROOT / "templates" / "embed").glob("*"), ROOT / "templates" / "_again.html",
    *(ROOT / "newsletter" / "web").glob("*.py"), *(ROOT / "newsletter" / "journey").glob("*.py"),
    ROOT / "newsletter" / "subscribers" / "faults.py", ROOT / "newsletter" / "mail" / "render" / "mail.py",
]  # fmt: skip
"""Templates of pages and mails that readers get, and the code that has words for them."""
NO_WORDS = {
    "newsletter/web/embed.py": {"GET, POST"},
    "newsletter/web/errors.py": {"No space left"},
    "newsletter/web/sharing.py": {"User-agent: *", "Disallow: …/…/", "Sitemap: …/sitemap.xml"},
    "newsletter/journey/give.py": {"Sent by the owner; nobody has agreed to anything."},
}
"""What looks like a sentence and is for machines; and the reason that the owner's own timeline shows."""
OF_OPERATORS = {f"newsletter/web/{name}.py" for name in ("front", "health", "origin", "reports")}
"""Answers to machines and to whoever runs the server, some before there is a brand to ask for its language."""


@pytest.mark.parametrize("path", sorted(READERS), ids=unmarked.named)
def test_all_that_readers_see_is_marked(path: unmarked.Path) -> None:
    name = unmarked.named(path)
    if name not in OF_OPERATORS:
        assert set(unmarked.in_file(path)) - NO_WORDS.get(name, set()) == set()


def test_elsewhere_there_are_no_more_than_there_were() -> None:
    """Mark new sentences. Where some were marked or have gone: python -m tests.unmarked --write."""
    allowed, found = json.loads(unmarked.BASELINE.read_text(encoding="utf-8")), unmarked.counted()
    assert {name: number for name, number in found.items() if number > allowed.get(name, 0)} == {}


@pytest.mark.parametrize(
    "source",
    [
        "<p>Good morning</p>",
        '<img src="x" alt="A cover">',
        '<input placeholder="{{ x }} or so">',
        '<p>{{ "Good morning" if x else _("Good evening") }}</p>',
        '{{ button("Press here", url) }}',
        "{% if x %}<b>{{ _('One') }}</b> two{% endif %}",
        '{% macro m() %}{{ x | default("Nothing yet") }}<i>there</i>{% endmacro %}',
    ],
)
def test_what_is_not_marked_in_a_template_is_found(source: str) -> None:
    assert unmarked.in_template(source)


@pytest.mark.parametrize(
    "source",
    [
        '<p class="big one" lang="en">{{ _("Good morning") }} · 12 – {{ name }}</p>',
        '<a href="{{ url_for("public.home") }}" title="{{ _("Home") }}">{{ ngettext("a day", "%(num)d days", n) }}</a>',
        "{% trans name=x %}Good morning, {{ name }}{% endtrans %}",
        '<script>const words = "not for people";</script><style>p { color: red }</style>',
        '<p>{{ date.strftime("%B %Y") if x == "so it is" else y }}</p>',
    ],
)
def test_what_is_marked_or_no_sentence_is_not(source: str) -> None:
    assert unmarked.in_template(source) == []


@pytest.mark.parametrize(
    "source", ["flash('Saved it.')", "abort(404, f'No {x} here')", "X = {1: 'Not found'}", "f'{_(x)}'"]
)
def test_what_is_not_marked_in_code_is_found(source: str) -> None:
    assert unmarked.in_code(source)


@pytest.mark.parametrize(
    "source",
    [
        'flash(_("Saved it."))',
        '"""A docstring."""',
        'log.error("Went wrong", x=1)',
        'x = lazy("Not found")',
        'y = "plain"',
    ],
)
def test_what_is_marked_in_code_is_not(source: str) -> None:
    assert unmarked.in_code(source) == []
