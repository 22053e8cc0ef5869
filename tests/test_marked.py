"""Every sentence that readers and owners see is marked for translation."""

import re

import pytest

from newsletter.preflight import Level
from newsletter.settings import ROOT
from tests import unmarked

NO_WORDS = {
    "newsletter/characters.py": {"Line … is not UTF-8. Save the file as UTF-8 and try again."},
    "newsletter/forms/form.py": {"Box: …", "Send me the guide"},
    "newsletter/imports/ending.py": {"An imported list says that this person has left or must not be written to."},
    "newsletter/imports/writing.py": {"Blocked in an imported list."},
    "newsletter/languages.py": {"EEEE d MMMM y", "EEE dd MMM y"},
    "newsletter/mail/incoming/services.py": {"Amazon SES", "Spam Reporting Address", "Bounced Address"},
    "newsletter/mail/journal.py": {"No space left for the journal"},
    "newsletter/mail/render/frame.py": {
        "Georgia, serif",
        "Helvetica, Arial, sans-serif",
        "Verdana, Geneva, sans-serif",
    },
    "newsletter/mail/render/skeleton.py": {"To: … <"},
    "newsletter/mailbox/page.py": {
        "The mailbox is shown under the address of this machine only, such as http://127.0.0.1/."
    },
    "newsletter/seeds.py": {"After the guide: …"},
    "newsletter/sequences/sequence.py": {"After the guide: …"},
    "newsletter/web/embed.py": {"GET, POST"},
    "newsletter/web/errors.py": {"No space left"},
    "newsletter/web/owner/sessions.py": {"Samsung Internet", "Mac OS X"},
    "newsletter/web/reports.py": {
        "This is not what … sends. The address takes JSON.\n",
        "One of these mails is not on record yet. Please send this again.\n",
    },
    "newsletter/web/sharing.py": {"User-agent: *", "Disallow: …/…/", "Sitemap: …/sitemap.xml"},
    "newsletter/zones.py": {
        "… on … … does not exist in …: the clocks go forward over it. Please choose an earlier or a later time."
    },
    "templates/owner/_parts.html": {"{% if first_name %}…{% else %}…{% endif %}"},
    "templates/owner/dashboard.html": {"content/…/…: …"},
    "templates/owner/error.html": {"btn btn-primary"},
    "templates/owner/topics.html": {"/topics/…"},
}
"""What looks like a sentence, and is for machines or the terminal, a name, an example, or stored as evidence."""
SAMPLES = {"newsletter/web/owner/mails.py", "templates/owner/form_code.html"}
"""The article and the notice in the gallery of mails; code to copy, of which only the PHP is not marked."""


def test_all_that_people_see_is_marked() -> None:
    every = [path for path in (*unmarked.templates(), *unmarked.code()) if unmarked.named(path) not in SAMPLES]
    known = {path: NO_WORDS.get(unmarked.named(path), set()) for path in every}
    found = {unmarked.named(path): set(unmarked.in_file(path)) - words for path, words in known.items()}
    assert {name: words for name, words in found.items() if words} == {}


IN_SCRIPTS = {"use strict", "Yahoo Mail", "iCloud Mail"}
"""What a script says of itself, and names."""


def test_what_a_script_says_stands_in_its_page() -> None:
    found = {path: set(unmarked.in_script(path.read_text(encoding="utf-8"))) for path in unmarked.scripts()}
    assert {unmarked.named(path): words - IN_SCRIPTS for path, words in found.items() if words - IN_SCRIPTS} == {}


def test_the_composer_finds_every_sentence_that_it_asks_for_and_asks_for_every_one() -> None:
    folder = ROOT / "static" / "js" / "composer"
    source = "".join(file.read_text(encoding="utf-8") for file in folder.glob("*.js"))
    calls = re.findall(r"sentence\(([^()]*)", source)
    asked = {*Level, *(name for call in calls for name in re.findall(r'"([\w-]+)"', call))}
    page = (ROOT / "templates" / "owner" / "_composer_words.html").read_text(encoding="utf-8")
    assert asked == {*re.findall(r'word\("([\w-]+)"', page)}


@pytest.mark.parametrize("said", ['tell("You are offline");', "x = `Sent to ${name}`", "say('bold words')"])
def test_words_in_a_script_are_found(said: str) -> None:
    assert unmarked.in_script(said)


@pytest.mark.parametrize("said", ['form.querySelector("ul li a");', "// You are offline", 'put("one")'])
def test_what_is_no_words_in_a_script_is_not(said: str) -> None:
    assert unmarked.in_script(said) == []


def test_what_the_terminal_says_is_there_and_has_a_reason() -> None:
    for name, reason in unmarked.TERMINAL.items():
        assert (ROOT / name).exists(), name
        assert reason


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
        '<td data-label="signed up"></td>',
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
    "source",
    [
        "flash('Saved it.')",
        "abort(404, f'No {x} here')",
        "X = {1: 'Not found'}",
        "f'{_(x)}'",
        "tell(f'{name} is gone for good.')",
        "raise NotNow(f'Only {x} can do that.')",
    ],
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
        'raise NotNow(said("Only %(name)s can do that.", name=x))',
        'x = counted("One is left.", "%(num)d are left.", 2)',
        'session.execute("SELECT set_config()")',
        'x: "Campaign | None" = None',
        'y = "plain"',
    ],
)
def test_what_is_marked_in_code_is_not(source: str) -> None:
    assert unmarked.in_code(source) == []
