"""Languages: which there are catalogues for, which way they are written, and how a sentence reads in one of them.

Sentences stand in the code in English, the source. Every other language is a gettext catalogue,
`locale/<name>/LC_MESSAGES/messages.po`. It is compiled in memory the first time it is used, so nothing has to be built
or installed beside the source.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from io import BytesIO
from pathlib import Path

import structlog
from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations

CATALOGUES = Path(__file__).resolve().parent.parent / "locale"
IN_ENGLISH = ("en-GB", "en")
"""What the source may be called. Its spelling and its dates are British, so not every English is among them."""
_ENGLISH_DATES = {"long": "d MMMM y", "short": "d MMM y", "weekday": "EEEE d MMMM y"}
_DATES = {"long": "long", "short": "medium", "weekday": "full"}
"""What CLDR calls the forms in which a date may read."""
log = structlog.get_logger()


def marked(sentence: str) -> str:
    """The sentence as it is: it goes into the catalogues, and whoever shows it asks `Language.gettext` for it."""
    return sentence


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
        return self.locale.get_display_name() or self.code

    def gettext(self, sentence: str) -> str:
        """The sentence in this language; as it is where its catalogue has none."""
        return str(self.translations.ugettext(sentence))

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The sentence that goes with this number."""
        return str(self.translations.ungettext(one, many, number))

    def day(self, day: date, form: str = "long") -> str:
        """A date as it reads: `long`, `short`, or with its `weekday`."""
        # Of English dates CLDR has American ones, British with a comma, and "Sept": ours stay as they were.
        if self.code in IN_ENGLISH:
            return format_date(day, _ENGLISH_DATES[form], locale="en")
        return format_date(day, _DATES[form], locale=self.locale)

    def weekday(self, day: date) -> str:
        """The name of a date's weekday."""
        return format_date(day, "EEEE", locale=self.locale)

    def number(self, number: int) -> str:
        """A number with its thousands apart."""
        return format_decimal(number, locale=self.locale)


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

    def named(self, code: str) -> Language:
        """The language with this code. Raises UnknownLanguage."""
        found = self._look_up(code)
        if found is None or found.code.lower() != code.strip().lower():
            known = ", ".join(self.all)
            raise UnknownLanguage(f"There is no catalogue for the language “{code}”. Choose one of these: {known}.")
        return found

    def spoken(self, code: str) -> Language:
        """What pages and mails are in where this was chosen: it, or the nearest that there is a catalogue for.

        de-AT is read as de where there is de (RFC 4647 §3.4); else the source stands in, and says that it is English.
        """
        return self._look_up(code) or SOURCE

    def stand_in(self, code: str) -> Language | None:
        """What is spoken in place of a language that was chosen and has no catalogue; None where it has one."""
        used = self.spoken(code)
        return None if used.code.lower() == code.lower() else used

    def _look_up(self, code: str) -> Language | None:
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
