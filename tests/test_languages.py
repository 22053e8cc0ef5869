"""Which languages there are, what stands in for one that is not, and how its dates and numbers read."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from newsletter.languages import (
    CATALOGUES,
    SOURCE,
    Day,
    Languages,
    Number,
    UnknownLanguage,
    counted,
    joined,
    marked,
    packed,
    said,
)
from scripts import messages
from tests import pseudo


@pytest.fixture
def spoken(tmp_path: Path) -> Languages:
    """English, Esperanto and Hebrew."""
    return pseudo.languages(tmp_path / "locale")


def test_english_needs_no_catalogue(tmp_path: Path) -> None:
    assert list(Languages(tmp_path / "nothing").all) == ["en-GB", "en"]


def test_only_languages_with_a_catalogue_can_be_chosen(spoken: Languages) -> None:
    assert list(spoken.all) == ["en-GB", "en", "eo", "he"]
    assert spoken.named("eo").code == "eo"
    for code in ("de", "eo-XX", "", "en-US", "eo\n<script>"):
        with pytest.raises(UnknownLanguage, match="en-GB, en, eo, he"):
            spoken.named(code)


@pytest.mark.parametrize(
    ("chosen", "used"),
    [("en-GB", "en-GB"), ("EN-gb", "en-GB"), ("de", "en-GB"), ("de-AT", "en-GB"), ("en-US", "en"), ("eo-001", "eo"),
     ("he_IL", "he"), ("", "en-GB"), ("../../etc", "en-GB"), ("x" * 16, "en-GB")],
)  # fmt: skip
def test_the_nearest_that_there_is_stands_in_and_says_what_it_is(spoken: Languages, chosen: str, used: str) -> None:
    assert spoken.spoken(chosen).code == used
    instead = spoken.stand_in(chosen)
    assert (instead.code if instead else chosen).lower() == used.lower()


def test_it_is_written_as_its_letters_are(spoken: Languages) -> None:
    assert [one.direction for one in spoken.all.values()] == ["ltr", "ltr", "ltr", "rtl"]


def test_a_sentence_reads_as_its_catalogue_has_it(spoken: Languages) -> None:
    esperanto = spoken.named("eo")
    assert esperanto.gettext("Your library") == "⟦Your library⟧"
    assert esperanto.gettext("Nobody has written this") == "Nobody has written this"
    assert esperanto.ngettext("%(num)d page", "%(num)d pages", 1) == "⟦%(num)d pages⟧"
    assert SOURCE.ngettext("%(num)d page", "%(num)d pages", 1) == "%(num)d page"
    assert marked("As it is") == "As it is"


@pytest.mark.parametrize(
    ("form", "english", "hebrew"),
    [("long", "4 September 2026", "4 בספטמבר 2026"), ("short", "4 Sep 2026", "4 בספט׳ 2026"),
     ("weekday", "Friday 4 September 2026", "יום שישי, 4 בספטמבר 2026")],
)  # fmt: skip
def test_dates_read_as_the_language_writes_them(spoken: Languages, form: str, english: str, hebrew: str) -> None:
    day = date(2026, 9, 4)
    assert SOURCE.day(day, form) == spoken.named("en").day(day, form) == english
    assert spoken.named("he").day(day, form) == hebrew


def test_numbers_have_their_thousands_apart(spoken: Languages) -> None:
    assert SOURCE.number(12345) == "12,345"
    assert spoken.named("eo").number(12345) == "12\u202f345"


@pytest.mark.parametrize("broken", ["not a catalogue", 'msgid "a"\nmsgword "b"', "\xff\xfe"])
def test_a_catalogue_that_cannot_be_read_is_none_and_stops_nobody(tmp_path: Path, broken: str) -> None:
    spoken = pseudo.languages(tmp_path)
    (tmp_path / "he" / "LC_MESSAGES" / "messages.po").write_bytes(broken.encode("latin-1"))
    shutil.copytree(tmp_path / "eo", tmp_path / "xx-nowhere")
    assert list(spoken.all) == ["en-GB", "en", "eo"]


def test_a_sentence_that_is_only_guessed_is_not_shown(tmp_path: Path) -> None:
    spoken = pseudo.languages(tmp_path)
    file = tmp_path / "eo" / "LC_MESSAGES" / "messages.po"
    words = file.read_text(encoding="utf-8")
    file.write_text(words.replace('\nmsgid "Your library"', '\n#, fuzzy\nmsgid "Your library"'), encoding="utf-8")
    assert spoken.named("eo").gettext("Your library") == "Your library"


def test_what_is_said_below_the_doors_is_english_as_text_and_told_in_a_language(spoken: Languages) -> None:
    esperanto = spoken.named("eo")
    plain = said("By 100 % sure")
    inner = said("It said: %(words)s", words="no")
    many = counted("%(num)s person", "%(num)s people", 12345, num=Number(12345))
    both = joined((inner, many), "; ")
    assert (plain, inner, many, both) == (
        "By 100 % sure", "It said: no", "12,345 people", "It said: no; 12,345 people"
    )  # fmt: skip
    assert counted("%(num)s person", "%(num)s people", 1) == "1 person"
    assert esperanto.told(inner) == "⟦It said: no ⟧" and esperanto.told(many) == "⟦12\u202f345 people⟧"
    assert esperanto.told(both) == "⟦It said: no ⟧; ⟦12\u202f345 people⟧"
    assert esperanto.told(plain) == plain and SOURCE.told(both) == both
    assert esperanto.told("Your library") == "⟦Your library⟧" and esperanto.told("50 % of it") == "50 % of it"
    assert esperanto.told("") == esperanto.told(None) == esperanto.told(joined(())) == ""
    assert said("joined before %(day)s", day=Day(date(2026, 9, 4))) == "joined before 4 September 2026"


def test_what_is_said_can_be_kept_for_a_mail_to_come(spoken: Languages) -> None:
    said_so = joined((said("It said: %(words)s", words=said("(none)")),
                      counted("%(num)s person", "%(num)s people", 2, num=Number(2))))  # fmt: skip
    kept = json.loads(json.dumps(packed(said_so)))
    assert SOURCE.told(kept) == said_so
    assert spoken.named("eo").told(kept) == spoken.named("eo").told(said_so)
    assert packed("as it is") == "as it is"


def test_a_word_may_mean_two_things(spoken: Languages) -> None:
    assert spoken.named("eo").pgettext("series", "on") == "⟦on⟧" and SOURCE.pgettext("series", "on") == "on"


def test_a_language_with_one_form_for_all_numbers_may_name_the_number() -> None:
    one = next(m for m in pseudo.sentences() if m.id and isinstance(m.id, tuple) and "%(num)s" not in m.id[0])
    made = messages.Catalog(locale="ja")
    made.add(one.id, (one.id[1],))
    assert [told for told in messages.missing(made, pseudo.sentences()) if told.startswith(f"{one.id}:")] == []


def test_sentences_of_every_kind_are_collected() -> None:
    found = {str(one.id) for one in pseudo.sentences()}
    assert {"Your library", "Hello %(name)s", "Please type your e-mail address.", "Stop these"} <= found
    assert "('%(num)d page', '%(num)d pages')" in found


def test_no_catalogue_that_we_ship_lacks_a_sentence() -> None:
    """Run `make messages`, and translate what is empty or fuzzy; names in brackets stay as they are."""
    for file in CATALOGUES.glob("*/LC_MESSAGES/messages.po"):
        with file.open("rb") as source:
            catalogue = messages.read_po(source, locale=file.parent.parent.name)
        assert messages.missing(catalogue, pseudo.sentences()) == [], file


def test_what_a_catalogue_lacks_is_listed() -> None:
    made = pseudo.catalogue("eo")
    assert messages.missing(made, pseudo.sentences()) == []
    made.get("Hello %(name)s").string = "Saluton %(nomo)s"
    made.get("Your library").string = ""
    made.get("Stop these").flags.add("fuzzy")
    told = messages.missing(made, pseudo.sentences())
    assert [one.partition(":")[0] for one in sorted(told)] == ["Hello %(name)s", "Stop these", "Your library"]
