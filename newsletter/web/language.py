"""The language of a page, and translation functions for the web layer.

Forms use their own language, a reader's pages use theirs, and everything else uses the brand's.
Flask-Babel gets the language and its catalogue from here, so that pages and mails share catalogues.
Nothing here raises: if the brand cannot be read, pages are in English.
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
    """The catalogues that mails use too."""

    def get_translations(self) -> NullTranslations:
        """The catalogue of this page's language."""
        return spoken().translations


class _Sentence(LazyString):
    """A lazy string that templates escape; Flask-Babel's own is treated as HTML."""

    def __html__(self) -> str:
        """The escaped text."""
        return str(escape(str(self)))


class _Babel(Babel):
    @cached_property
    def domain_instance(self) -> Domain:
        """Where sentences are looked up."""
        return _Catalogues()


def install(app: Flask) -> None:
    """Give templates the language, `_` and date formatting."""
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
    """The language of this request's page."""
    if not has_request_context():
        return SOURCE
    found: Language = g.get("language") or _of_the_brand()
    return found


def speak(code: str | None) -> None:
    """Set the language for the rest of this request; None: the brand's."""
    g.language = _named(code) if code else None


@contextmanager
def speaking(code: str | None) -> Iterator[None]:
    """Set the language within a block."""
    before = g.get("language")
    speak(code)
    try:
        yield
    finally:
        g.language = before


def _in_language(code: str | None, caller: Callable[[], str]) -> str:
    """For templates: render the block in this language."""
    with speaking(code):
        return caller()


def give_up() -> None:
    """Stop looking up the brand's language, because the database does not answer."""
    g.setdefault("brand_language", SOURCE)


def _named(code: str) -> Language:
    try:
        return runtime().languages.spoken(code)
    except Exception as error:  # noqa: BLE001 - unsubscribing uses this too and must not depend on anything
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
    except Exception as error:  # noqa: BLE001 - unsubscribing uses this too and must not depend on anything
        log.error("the page is in English; its language cannot be read", error=type(error).__name__)
        return SOURCE


def _(sentence: str, /, **values: Any) -> str:
    """A sentence in the page's language, with placeholders filled in."""
    return str(flask_babel.gettext(sentence, **values))


def ngettext(one: str, many: str, num: int, /, **values: Any) -> str:
    """The plural form for a number, which is the placeholder `num`."""
    return spoken().ngettext(one, many, num) % {"num": num, **values}


def lazy(sentence: str, /, **values: Any) -> str:
    """A sentence translated whenever it is converted to `str`."""
    made: Any = _Sentence(flask_babel.gettext, sentence, **values)
    return cast("str", made)


def pgettext(context: str, word: str, /) -> str:
    """A word translated in context, because it is ambiguous."""
    return spoken().pgettext(context, word)


def in_words(sentence: object) -> str:
    """A sentence made by `said`, or an exception with one, in the page's language."""
    if isinstance(sentence, Exception):
        sentence = sentence.args[0] if len(sentence.args) == 1 else str(sentence)
    return spoken().told(sentence)


def day(day: date) -> str:
    """A date in the page's language."""
    return spoken().day(day)


def _as_held(value: str, kind: FieldKind) -> str:
    """A custom field's value in readable form."""
    return day_as("long", value, spoken()) if kind is FieldKind.DATE else value
