"""The filters of owners' texts. Each takes plain values and returns text whose length its input bounds."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from newsletter.languages import Language

LONGEST_ARGUMENT = 200
_WORDS = re.compile(r"([-\s(\[/]+)")
DATES = ("long", "short", "weekday")
"""The forms of a date; custom patterns would be a language of their own."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filter does, which constants it takes, and an example."""

    apply: Callable[..., str]
    example: str
    takes: tuple[type, ...] = ()
    needed: int = 0
    speaks: bool = False
    """Whether it depends on the mail's language, which it gets as `language`."""

    def fits(self, given: Sequence[Any]) -> bool:
        """Whether it takes these constants."""
        return self.needed <= len(given) <= len(self.takes) and all(
            type(one) is kind and not (isinstance(one, str) and len(one) > LONGEST_ARGUMENT)
            for one, kind in zip(given, self.takes, strict=False)
        )


def plain(value: Any) -> str:
    """A value as text, a list separated by commas."""
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _default(value: Any, otherwise: str, _even_if_empty: bool = True) -> str:
    return plain(value) if plain(value).strip() else otherwise


def _join(value: Any, between: str = ", ") -> str:
    return between.join(value) if isinstance(value, tuple) else str(value)


def _truncate(value: Any, longest: int = 80) -> str:
    words, longest = plain(value), max(longest, 1)
    if len(words) <= longest:
        return words
    cut = words[: longest - 1]
    return (cut.rsplit(" ", 1)[0] or cut).rstrip(" ,.;:") + "…"


def _title(value: Any) -> str:
    # Not str.title: that makes “Jane'S” of “jane's”.
    return "".join(word[:1].upper() + word[1:].lower() for word in _WORDS.split(plain(value)))


def day_as(form: str, value: Any, language: Language) -> str:
    """Format a date stored as 1960-05-03 in one of a language's forms; return anything else as it is."""
    try:
        day = date.fromisoformat(plain(value).strip()[:10])
    except ValueError:
        return plain(value)
    return language.day(day, form if form in DATES else DATES[0])


def _date(value: Any, form: str = "long", *, language: Language) -> str:
    return day_as(form, value, language)


FILTERS: dict[str, Filter] = {
    "default": Filter(apply=_default, example='{{ first_name|default("friend") }}', takes=(str, bool), needed=1),
    "upper": Filter(lambda value: plain(value).upper(), "{{ first_name|upper }}"),
    "lower": Filter(lambda value: plain(value).lower(), "{{ first_name|lower }}"),
    "title": Filter(_title, "{{ first_name|title }}"),
    "date": Filter(_date, '{{ "2026-12-24"|date("weekday") }}', (str,), speaks=True),
    "join": Filter(_join, '{{ brand.address_lines|join(", ") }}', (str,)),
    "truncate": Filter(_truncate, "{{ brand.strapline|truncate(40) }}", (int,)),
}
EXAMPLES = tuple(filter.example for filter in FILTERS.values())
"""An example of each, for the owner."""
