"""Mails in a language that nobody speaks: whatever is not between its brackets was forgotten."""

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from itertools import product
from typing import Any

import pytest

from newsletter.brand import Brand
from newsletter.languages import Languages, Number, counted, said
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.notice import notice
from newsletter.mail.render import Content, Reader, Renderer
from newsletter.subscribers import Stream
from tests import pseudo

GUIDE = {"slug": "exercise-at-50", "title": "Zzz", "pages": 45, "attached": True, "begin": "Zzz", "begin_page": 3,
         "question": "Zzz?"}  # fmt: skip
ONE_PAGE = {**GUIDE, "pages": 1, "begin": "", "question": ""}
COMING = {**GUIDE, "pages": 0}
WORDS = Content(
    "Zzz {{ first_name }}", "Zzz", '{{ greeting }}, zzz {{ "2026-12-24"|date("weekday") }}.\n\n> Zzz\n\n- zzz'
)
DATA = ("Zzz", "zzz", "Jane", "Human Movement", "Paul", "London", "Cannon Street", "PDF")
ASKED = {"consent": 1, "until": 2}
REFUSE = {"refuse": "a1" * 32}


def _mails() -> list[tuple[Stream, dict[str, Any], Content | None]]:
    """Every mail to a reader, in all its turns."""
    made: list[tuple[Stream, dict[str, Any], Content | None]] = []
    for stream, guide, newsletter, more in product(
        (Stream.CONFIRM, Stream.REMINDER), (GUIDE, ONE_PAGE, COMING, None), (True, False), ({}, REFUSE)
    ):
        made.append(
            (stream, {**ASKED, "days": 30, "guide": guide, "newsletter": newsletter, "articles": 8} | more, None)
        )
    for guide, more, articles in product((GUIDE, ONE_PAGE, COMING), ({}, REFUSE, {"by_owner": True}), (0, 1, 8)):
        for newsletter in (True, False):
            asked = {**ASKED, "articles": articles, "newsletter": newsletter}
            made.append((Stream.GUIDE, {"guide": guide, "series": True} | asked | more, None))
    made += [
        (Stream.PROVE, {"what": what, "prove": [0, 1, 2], "hours": 24}, None) for what in ("erase", "move", "stay", "")
    ]
    made += [
        (Stream.GOODBYE, {}, None),
        (Stream.STEP, {"guide": "exercise-at-50"}, WORDS),
        (Stream.CAMPAIGN, {}, WORDS),
    ]
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English, Esperanto and Hebrew."""
    return pseudo.languages(tmp_path_factory.mktemp("locale"))


@pytest.fixture(params=[pseudo.LTR, pseudo.RTL])
def code(request: pytest.FixtureRequest) -> str:
    """The brand's language."""
    return str(request.param)


@pytest.fixture
def spoken(renderer: Renderer, made: Languages) -> Renderer:
    """A Renderer that knows it."""
    return replace(renderer, languages=made)


@pytest.fixture
def foreign(house: Brand, made: Languages, code: str) -> Brand:
    """The brand in it."""
    kept = {column.key: getattr(house, column.key) for column in Brand.__mapper__.column_attrs}
    other = Brand(**kept)
    other.speak(code, made)
    return other


def test_all_that_readers_see_of_a_mail_is_marked(spoken: Renderer, foreign: Brand, code: str) -> None:
    data = (*DATA, spoken.site, *(value for value in vars(foreign).values() if isinstance(value, str)))
    data = (*data, *foreign.address_lines, spoken.languages.named(code).day(date(2026, 12, 24), "weekday"))
    for stream, context, words in _mails():
        mail = spoken.rendered(stream, foreign, Reader(7, {"first_name": "Jane"}, 9), words, context)
        parts = [mail.subject, *pseudo.without_links(mail.text).splitlines()]
        assert [one for part in parts for one in pseudo.unmarked(part, data, is_html=False)] == [], (stream, context)
        assert pseudo.unmarked(pseudo.without_links(mail.html), data) == [], (stream, context)


def test_a_mail_runs_the_way_its_language_does(spoken: Renderer, foreign: Brand, code: str) -> None:
    html = spoken.rendered(Stream.CAMPAIGN, foreign, Reader(7), WORDS, {}).html
    start, end, direction = ("right", "left", "rtl") if code == pseudo.RTL else ("left", "right", "ltr")
    assert f'<html lang="{code}" dir="{direction}" ' in html
    assert f'role="main" lang="{code}" dir="{direction}">' in html, "what a mail program keeps of it"
    assert f'align="{start}"' in html and f'align="{end}"' not in html
    assert f"border-{start}:3px" in html and f"border-{end}" not in html


def test_a_bulk_mail_is_in_it_too_and_still_compiled_once(spoken: Renderer, foreign: Brand, code: str) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    claimed = ClaimedMessage(id=5, stream=Stream.CAMPAIGN, attempts=0, created_at=now, subscriber_id=7,
                             email="jane@example.com", fields={"first_name": "Jane"}, revision_id=3, dispatch_id=1,
                             context={})  # fmt: skip
    skeleton = spoken.compile(claimed, foreign, WORDS)
    assert skeleton is not None
    for mail in (skeleton.splice(claimed, now), spoken.compose(claimed, foreign, WORDS, now)):
        parsed = message_from_bytes(mail.data, policy=policy.default)
        text = parsed.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert "⟦Hello Jane ⟧" in text and spoken.languages.named(code).day(date(2026, 12, 24), "weekday") in text
        assert "⟦You get this because you subscribed to the Human Movement newsletter.⟧" in text


@pytest.mark.parametrize("stream", [Stream.NOTICE, Stream.RESET, Stream.INVITATION, Stream.LOGIN])
def test_what_the_owner_gets_is_in_it_as_their_pages_are(
    spoken: Renderer, foreign: Brand, stream: Stream, code: str
) -> None:
    lines = [
        said("It said: %(words)s", words="no"),
        counted("%(num)s person", "%(num)s people", 2000, num=Number(2000)),
    ]
    told = notice(said("A campaign has been paused"), lines, said("Look at it"), "/owner")
    asked = {
        "reset": [0, 0, 0],
        "minutes": 30,
        "invitation": [0, 0, 0],
        "by": "a@example.org",
        "days": 7,
        "role": "editor",
        "login": [0, 0, 0],
        "hours": 24,
        "step": "done",
        "earlier": "a@example.org",
        "email": "b@example.org",
    }
    mail = spoken.rendered(stream, foreign, Reader(0), None, {**told, **asked})
    assert f'<html lang="{code}"' in mail.html
    assert pseudo.unmarked(pseudo.without_links(mail.subject), is_html=False) == []
    if stream is Stream.NOTICE:
        number = spoken.languages.named(code).number(2000)
        assert "⟦It said: no" in mail.text and f"⟦{number} people⟧" in mail.text


def test_a_notice_from_before_its_words_were_marked_stays_as_it_is(spoken: Renderer, foreign: Brand) -> None:
    old = {"title": "Old", "lines": ["Nobody has written this"], "action_label": "Go", "action_path": "/owner"}
    mail = spoken.rendered(Stream.NOTICE, foreign, Reader(0), None, old)
    assert "Nobody has written this" in mail.text and mail.subject == "Old"


def test_a_brand_without_a_catalogue_gets_english_mails_that_say_so(renderer: Renderer, house: Brand) -> None:
    kept = {column.key: getattr(house, column.key) for column in Brand.__mapper__.column_attrs}
    german = Brand(**kept | {"language": "de"})
    assert '<html lang="en-GB" dir="ltr" ' in renderer.rendered(Stream.GOODBYE, german, Reader(1), None, {}).html
