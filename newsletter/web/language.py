"""The language of a page, and the marks of sentences.

A form speaks its own language wherever it stands, a reader's own pages speak theirs, and everything else the brand's.
Flask-Babel asks here for both the language and its catalogue, so pages and mails are translated by the same ones.
Nothing here fails: where the brand cannot be read, the page that says so is in English.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from typing import Any, cast

import flask_babel
import structlog
from babel.support import NullTranslations
from flask import Flask, g, has_request_context
from flask_babel import Babel, Domain
from flask_babel.speaklater import LazyString
from markupsafe import escape

from newsletter import brand
from newsletter.languages import SOURCE, Language, marked, name_of
from newsletter.mail.render.filters import day_as
from newsletter.subscribers import FieldKind
from newsletter.web.state import reading, runtime

log = structlog.get_logger()


class _Catalogues(Domain):
    """The catalogues that mails are made with, too."""

    def get_translations(self) -> NullTranslations:
        """Those of this page's language."""
        return spoken().translations


class _Sentence(LazyString):
    """Text, and escaped like any other: Flask-Babel's own would count as HTML."""

    def __html__(self) -> str:
        """How a page has it."""
        return str(escape(str(self)))


class _Babel(Babel):
    @cached_property
    def domain_instance(self) -> Domain:
        """Where sentences are looked up."""
        return _Catalogues()


def install(app: Flask) -> None:
    """Give every template its language, `_`, and dates as that language writes them."""
    _Babel(app, default_locale=str(SOURCE.locale), locale_selector=lambda: spoken().locale)
    app.jinja_env.globals.update(marked=marked, spoken=spoken, in_language=_in_language)
    app.jinja_env.filters.update(
        day=day,
        weekday=lambda day: spoken().weekday(day),
        as_held=_as_held,
        translated=in_words,
        language_name=name_of,
    )
    app.context_processor(lambda: {"language": spoken()})


def spoken() -> Language:
    """What the page is in that this request asks for."""
    if not has_request_context():
        return SOURCE
    found: Language = g.get("language") or _of_the_brand()
    return found


def speak(code: str | None) -> None:
    """Say all that follows of this request in the language of its reader, or of its form; None: in the brand's."""
    g.language = _named(code) if code else None


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """The same, for a while."""
    before = g.get("language")
    speak(code)
    try:
        yield
    finally:
        g.language = before


def _in_language(code: str | None, caller: Callable[[], str]) -> str:
    """For templates: what the block says, in this language."""
    with speaking(code):
        return caller()


def give_up() -> None:
    """The database does not answer: what tells of it asks no more for the language."""
    g.setdefault("brand_language", SOURCE)


def _named(code: str) -> Language:
    try:
        return runtime().languages.spoken(code)
    except Exception as error:  # noqa: BLE001 - leaving asks for this too, and depends on nothing
        log.error("the page is in English; its language cannot be read", error=type(error).__name__)
        return SOURCE


def _of_the_brand() -> Language:
    if "brand_language" not in g:
        g.brand_language = _chosen()
    found: Language = g.brand_language
    return found


def _chosen() -> Language:
    try:
        with reading() as session:
            return runtime().languages.spoken(brand.current(session).language)
    except Exception as error:  # noqa: BLE001 - leaving asks for this too, and depends on nothing
        log.error("the page is in English; its language cannot be read", error=type(error).__name__)
        return SOURCE


def _(sentence: str, /, **values: Any) -> str:
    """A sentence in the page's language, with these values for its names in brackets."""
    return str(flask_babel.gettext(sentence, **values))


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """The sentence that goes with a number, which both name as `num`."""
    return spoken().ngettext(one, many, num) % {"num": num, **values}


def lazy(sentence: str, /, **values: Any) -> str:
    """A sentence that is translated each time it is read as text (`str` makes one of it)."""
    made: Any = _Sentence(flask_babel.gettext, sentence, **values)
    return cast("str", made)


def pgettext(context: str, word: str, /) -> str:
    """A word that means one thing here and may mean another elsewhere."""
    return spoken().pgettext(context, word)


def in_words(sentence: object) -> str:
    """What was `said` below the doors, or an exception with such a sentence, in the page's language."""
    if isinstance(sentence, Exception):
        sentence = sentence.args[0] if len(sentence.args) == 1 else str(sentence)
    return spoken().told(sentence)


def day(day: date) -> str:
    """A date as the page's language writes it."""
    return spoken().day(day)


def _as_held(value: str, kind: FieldKind) -> str:
    """A value of an own field as a person reads it."""
    return day_as("long", value, spoken()) if kind is FieldKind.DATE else value
