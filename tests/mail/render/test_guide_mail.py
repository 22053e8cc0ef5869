"""What a guide's mail and a confirmation say, and how they begin."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

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
    assert "width: 96px" in picture, "a picture of 640 pixels is not shown as wide as that"
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
