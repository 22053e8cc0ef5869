"""What a guide's mail and a confirmation say, and how they begin."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from newsletter.contrast import ACCENT
from newsletter.guides import Guide
from newsletter.mail.ledger import ClaimedMessage
from newsletter.subscribers import Stream
from tests.mail.render.conftest import GUIDE, claimed

Mail = Callable[[ClaimedMessage], EmailMessage]


def _parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and html is not None
    return text.get_content(), html.get_content()


BEGUN = {**GUIDE, "begin": "“Before you start”", "begin_page": 2, "question": "What hurts?"}


def test_a_guides_mail_says_where_to_begin_and_asks_one_question(mail: Mail) -> None:
    text, html = _parts(mail(claimed(Stream.GUIDE, guide=BEGUN)))
    assert "Read this first: “Before you start”, on page 2." in text
    assert "<strong>Read this first:</strong> “Before you start”, on page 2." in html
    assert ".pdf" not in text + html, "a scanner that opens the mail's links must fetch no guide"
    for part in (text, html):
        assert part.count("?") == part.count("What hurts?") == 1
        assert "If you have a question" not in part


def test_a_guides_mail_shows_its_cover_small_and_can_do_without(mail: Mail) -> None:
    _, html = _parts(mail(claimed(Stream.GUIDE, guide=BEGUN)))
    (picture,) = re.findall(r"<img [^>]+>", html)
    assert 'src="http://localhost:8000/guides/exercise-at-50/pages/1.png"' in picture
    assert 'alt="Cover of the guide"' in picture and 'width="96"' in picture and 'height="136"' in picture
    assert "width:96px" in picture, "a picture of 640 pixels is not shown as wide as that"
    assert html.index("Exercise at 50") > 0 and "Open your guide" in html


def test_a_guide_that_is_being_prepared_has_no_cover_and_no_page(mail: Mail) -> None:
    text, html = _parts(mail(claimed(Stream.GUIDE, guide={**BEGUN, "pages": 0, "begin": "", "begin_page": 0})))
    assert "<img" not in html and "Read this first" not in text + html and "What hurts?" not in text + html


def test_a_mail_that_was_queued_before_its_guide_said_more_still_goes(mail: Mail) -> None:
    text, _ = _parts(mail(claimed(Stream.GUIDE)))
    assert "Read this first" not in text and "If you have a question about the guide, just answer this mail." in text


@pytest.mark.parametrize("guide", [GUIDE, {**GUIDE, "pages": 0}, None], ids=["ready", "prepared", "none"])
def test_a_confirmation_does_not_read_like_an_alarm(mail: Mail, guide: dict[str, Any] | None) -> None:
    message = mail(claimed(Stream.CONFIRM, guide=guide))
    text, html = _parts(message)
    head = re.search(r"<h1[^>]*>(.*?)</h1>", html)
    assert head and "?" not in head[1] + message["subject"] and "!" not in head[1] + message["subject"]
    assert "Was this you" not in text + html
    assert ("ready" in message["subject"]) == ("ready" in head[1]) == bool(guide and guide["pages"])


BROWN = "#8a3b12"


@pytest.mark.parametrize("stream", [Stream.GUIDE, Stream.CONFIRM, Stream.REMINDER])
def test_a_mail_that_hands_over_a_guide_has_its_colour(mail: Mail, stream: Stream) -> None:
    _, html = _parts(mail(claimed(stream, guide={**BEGUN, "accent": BROWN})))
    assert f'bgcolor="{BROWN}"' in html
    assert f"background-color:{BROWN}" in html and f"border-top:4px solid {BROWN}" in html
    assert ACCENT not in html


def test_a_mail_of_the_series_that_follows_it_has_it_too(mail: Mail) -> None:
    text, html = _parts(mail(claimed(Stream.STEP, accent=BROWN)))
    assert f"border-top:4px solid {BROWN}" in html and ACCENT not in html
    assert BROWN not in text


@pytest.mark.parametrize("stream", [Stream.GUIDE, Stream.PROVE, Stream.NOTICE, Stream.STEP])
def test_a_mail_without_one_has_the_colour_of_the_product(mail: Mail, stream: Stream) -> None:
    """And one whose guide was frozen into its context before guides told their colour."""
    _, html = _parts(mail(claimed(stream)))
    assert f"border-top:4px solid {ACCENT}" in html


@pytest.mark.parametrize(
    ("accent", "taken"), [(BROWN, BROWN), ("#7A1F3D", "#7A1F3D"), ("#ffcc00", ACCENT), ("red", ACCENT), ("", ACCENT)]
)
def test_a_colour_that_nobody_can_read_on_the_paper_of_a_mail_gives_way(accent: str, taken: str) -> None:
    assert Guide(slug="a", title="A", box="", accent=accent).mail_accent == taken
