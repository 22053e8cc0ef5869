"""Languages: which there are catalogues for, which way they are written, and how a sentence reads in one of them.

Sentences stand in the code in English, the source. Every other language is a gettext catalogue,
`locale/<name>/LC_MESSAGES/messages.po`. It is compiled in memory the first time it is used, so nothing has to be built
or installed beside the source.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from enum import StrEnum
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

CATALOGUES = Path(__file__).resolve().parent.parent / "locale"
IN_ENGLISH = ("en-GB", "en")
"""What the source may be called. Its spelling and its dates are British, so not every English is among them."""
_ENGLISH_DATES = {
    "long": "d MMMM y", "short": "d MMM y", "weekday": "EEEE d MMMM y", "day-month": "d MMM", "month-day": "dd MMM",
    "table": "EEE dd MMM y", "name": "EEE",
}  # fmt: skip
_DATES = {"long": "long", "short": "medium", "weekday": "full"}
"""What CLDR calls the forms in which a date may read."""
_SKELETONS = {"day-month": "MMMd", "month-day": "MMMd", "table": "yMMMEd", "name": "E"}
"""Forms that CLDR has no name for, by what they consist of."""
log = structlog.get_logger()


def marked(sentence: str) -> str:
    """The sentence as it is: it goes into the catalogues, and whoever shows it asks `Language.gettext` for it."""
    return sentence


class Sentence(str):
    """A sentence for a person, made where nobody knows yet who reads it, such as in an exception.

    As text it is English; `Language.told` says it in another language. Made by `said` and `counted`.
    """

    __slots__ = ("many", "number", "source", "values")
    source: str
    many: str
    number: int
    values: dict[str, object]


class Number(int):
    """A number in a sentence that is `said`: with its thousands apart."""

    def __str__(self) -> str:
        return f"{int(self):,}"


@dataclass(frozen=True, slots=True)
class Day:
    """A date in a sentence that is `said`."""

    date: date

    def __str__(self) -> str:
        return f"{self.date.day} {self.date:%B %Y}"


def said(source: str, /, **values: object) -> Sentence:
    """A sentence that goes into the catalogues, with these values for its names in brackets."""
    made = Sentence(source % values if values else source)
    made.source, made.many, made.number, made.values = source, "", 0, values
    return made


def counted(one: str, many: str, number: int, /, **values: object) -> Sentence:
    """The sentence that goes with a number, which both name as `num`."""
    values = {"num": number, **values}
    made = Sentence((one if number == 1 else many) % values)
    made.source, made.many, made.number, made.values = one, many, number, values
    return made


def joined(parts: Iterable[str], by: str = " ") -> Sentence:
    """Sentences that stand one behind the other."""
    values: dict[str, object] = {f"part{place}": part for place, part in enumerate(parts)}
    made = Sentence(by.join(str(part) for part in values.values()))
    made.source, made.many, made.number, made.values = by.join(f"%({name})s" for name in values), "", 0, values
    return made


def packed(sentence: object) -> Any:
    """A sentence as JSON that a mail to come is made of; `Language.told` says that too."""
    if isinstance(sentence, Sentence):
        values = {name: packed(one) for name, one in sentence.values.items()}
        return {"said": sentence.source, "many": sentence.many, "number": sentence.number, "values": values}
    if isinstance(sentence, Number):
        return {"number": int(sentence)}
    return sentence if isinstance(sentence, int | float) else str(sentence)


def _unpacked(found: object) -> object:
    if not isinstance(found, dict):
        return found
    if "said" not in found:
        return Number(found["number"])
    values = {name: _unpacked(one) for name, one in found["values"].items()}
    many = found["many"]
    return counted(found["said"], many, found["number"], **values) if many else said(found["said"], **values)


class UnknownLanguage(ValueError):
    """There is no catalogue for this language; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language that pages and mails can be in."""

    code: str
    """As HTML has it (BCP 47): en-GB."""
    locale: Locale = field(compare=False)
    translations: NullTranslations = field(compare=False)

    @property
    def direction(self) -> str:
        """Of its writing: ltr or rtl."""
        return str(self.locale.text_direction)

    @property
    def name(self) -> str:
        """What it is called by those who speak it."""
        return name_of(self.code)

    def gettext(self, sentence: str) -> str:
        """The sentence in this language; as it is where its catalogue has none."""
        return str(self.translations.ugettext(sentence))

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The sentence that goes with this number."""
        return str(self.translations.ungettext(one, many, number))

    def pgettext(self, context: str, sentence: str) -> str:
        """What a word alone means here: it may be another one in another place."""
        return str(self.translations.upgettext(context, sentence))

    def told(self, sentence: object) -> str:
        """What was `said`, in this language; any other text as it is, or as the catalogue has it."""
        sentence = _unpacked(sentence)
        if not sentence:
            return ""
        if not isinstance(sentence, Sentence):
            return self.gettext(str(sentence))
        values = {name: self._written(one) for name, one in sentence.values.items()}
        if sentence.many:
            return self.ngettext(sentence.source, sentence.many, sentence.number) % values
        words = self.gettext(sentence.source)
        return words % values if values else words

    def _written(self, value: object) -> object:
        if isinstance(value, Number):
            return self.number(int(value))
        if isinstance(value, Day):
            return self.day(value.date)
        return self.told(value) if isinstance(value, Sentence | StrEnum) else value

    def reads(self, other: "Language") -> bool:
        """Whether who reads this language reads the other one too: the same, perhaps of another country."""
        mine, theirs = self.locale, other.locale
        return bool(mine.language == theirs.language and mine.script == theirs.script)

    @property
    def is_english(self) -> bool:
        """Whether this is what everything is written in."""
        return self.code in IN_ENGLISH

    def day(self, day: date, form: str = "long") -> str:
        """A date as it reads: `long`, `short`, or with its `weekday`; `_ENGLISH_DATES` has the forms of tables too."""
        # Of English dates CLDR has American ones, British with a comma, and "Sept": ours stay as they were.
        if self.is_english:
            return format_date(day, _ENGLISH_DATES[form], locale="en")
        if form in _SKELETONS:
            return format_skeleton(_SKELETONS[form], datetime.combine(day, time()), locale=self.locale)
        return format_date(day, _DATES[form], locale=self.locale)

    def moment(self, at: datetime, zone: tzinfo) -> str:
        """An instant as it reads in a zone: "Mon 23 Nov 2026, 14:05 GMT"."""
        local = at.astimezone(zone)
        if self.is_english:
            return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M} {local:%Z}"
        return f"{format_skeleton('yMMMEd', local, locale=self.locale)}, {local:%H:%M} {local:%Z}"

    def weekday(self, day: date) -> str:
        """The name of a date's weekday."""
        return format_date(day, "EEEE", locale=self.locale)

    def number(self, number: int) -> str:
        """A number with its thousands apart."""
        return f"{number:,}" if self.is_english else format_decimal(number, locale=self.locale)

    def decimal(self, number: float, places: int) -> str:
        """A number with so many places behind its point."""
        form = "#,##0" + ("." + "0" * places if places else "")
        return f"{number:.{places}f}" if self.is_english else format_decimal(number, form, locale=self.locale)


def name_of(code: str) -> str:
    """What a language is called by those who speak it, whether there is a catalogue for it or not."""
    try:
        return Locale.parse(code, sep="-").get_display_name() or code
    except (UnknownLocaleError, ValueError):
        return code


SOURCE = Language(IN_ENGLISH[0], Locale("en", "GB"), NullTranslations())
"""What everything is written in, and what stands in for a language that there is no catalogue for."""


class Languages:
    """The languages of an installation: the source, and one for each catalogue in a folder."""

    def __init__(self, folder: Path = CATALOGUES) -> None:
        self._folder = folder

    @cached_property
    def all(self) -> dict[str, Language]:
        """Those that can be chosen, by their codes, the source first. Read once."""
        english = {code: Language(code, Locale.parse(code, sep="-"), NullTranslations()) for code in IN_ENGLISH}
        return english | {one.code: one for one in self._translated() if one.code not in english}

    @cached_property
    def offered(self) -> list[Language]:
        """Those among which a form or a reader may have one of its own, English once; none where there is only that."""
        others = [one for one in self.all.values() if not one.is_english]
        return [SOURCE, *others] if others else []

    def named(self, code: str) -> Language:
        """The language with this code. Raises UnknownLanguage."""
        found = self.nearest(code)
        if found is None or found.code.lower() != code.strip().lower():
            known = ", ".join(self.all)
            raise UnknownLanguage(said("There is no catalogue for the language “%(code)s”. Choose one of these: "
                                       "%(known)s.",
                                       code=code, known=known))  # fmt: skip
        return found

    def spoken(self, code: str) -> Language:
        """What pages and mails are in where this was chosen: it, or the nearest that there is a catalogue for.

        de-AT is read as de where there is de (RFC 4647 §3.4); else the source stands in, and says that it is English.
        """
        return self.nearest(code) or SOURCE

    def stand_in(self, code: str) -> Language | None:
        """What is spoken in place of a language that was chosen and has no catalogue; None where it has one."""
        used = self.spoken(code)
        return None if used.code.lower() == code.lower() else used

    def nearest(self, code: str) -> Language | None:
        """It, or the nearest that there is a catalogue for, if any."""
        known = {name.lower(): one for name, one in self.all.items()}
        parts = code.strip().replace("_", "-").lower().split("-")
        for length in range(len(parts), 0, -1):
            if found := known.get("-".join(parts[:length])):
                return found
        return None

    def _translated(self) -> Iterator[Language]:
        for file in sorted(self._folder.glob("*/LC_MESSAGES/messages.po")):
            name = file.parent.parent.name
            try:
                locale = Locale.parse(name)
                yield Language(name.replace("_", "-"), locale, _compiled(file, name))
            except (PoFileError, UnknownLocaleError, ValueError, OSError) as error:
                log.error("catalogue cannot be used", language=name, error=f"{type(error).__name__}: {error}")


def _compiled(file: Path, name: str) -> Translations:
    with file.open("rb") as source:
        catalogue = read_po(source, locale=name, domain="messages", abort_invalid=True)
    made = BytesIO()
    write_mo(made, catalogue)
    made.seek(0)
    return Translations(made, domain="messages")
