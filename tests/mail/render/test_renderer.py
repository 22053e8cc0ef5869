"""Every mail, held against STANDARDS.md 1 to 9."""

import re
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest

from newsletter.brand import Brand
from newsletter.links import Purpose
from newsletter.mail.ledger import ClaimedMessage
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.subscribers import Stream
from tests.mail.render.conftest import CONTEXTS, GUIDE, WORDS, WRITTEN, claimed

Composed = Callable[[ClaimedMessage], bytes]
Mail = Callable[[ClaimedMessage], EmailMessage]
BULK = [Stream.STEP, Stream.CAMPAIGN, Stream.DIGEST]
OTHERS = [stream for stream in Stream if stream not in BULK]
NAMES = [
    "",
    "Jane",
    "=?utf-8?",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "Zoë 李",
    "Jane\r\nBcc: bob@example.com",
    "x" * 80,
]


def _parts(message: EmailMessage) -> tuple[str, str]:
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None and html is not None
    return text.get_content(), html.get_content()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", Stream)
def test_a_message_is_whole_whatever_its_reader_is_called(stream: Stream, name: str, composed: Composed) -> None:
    data = composed(claimed(stream, name))
    assert data.isascii() and data.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    assert all(len(line) <= 998 and not line.startswith(b".") for line in data.split(b"\r\n"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stream", Stream)
def test_one_of_each_header_and_none_that_a_name_made(stream: Stream, name: str, mail: Mail) -> None:
    message = mail(claimed(stream, name))
    for header in ("Date", "From", "To", "Subject", "Message-ID", "MIME-Version"):
        assert len(message.get_all(header) or []) == 1, header
    assert [one.addr_spec for one in message["to"].addresses] == ["jane@example.com"]
    assert message["from"].addresses[0].addr_spec == "paul@human-movement.com"
    assert not message.defects and "bcc" not in message


@pytest.mark.parametrize("stream", Stream)
def test_text_comes_first_and_html_second(stream: Stream, mail: Mail) -> None:
    message = mail(claimed(stream))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("stream", Stream)
def test_both_parts_carry_the_name_and_the_postal_address(stream: Stream, mail: Mail) -> None:
    text, html = _parts(mail(claimed(stream)))
    assert "Human Movement, 30 Cannon Street, London, EC4M 6XH" in text
    assert "Human Movement, 30 Cannon Street, London, EC4M 6XH" in html


@pytest.mark.parametrize("stream", BULK)
def test_bulk_mail_can_be_left_with_one_click(stream: Stream, mail: Mail, renderer: Renderer) -> None:
    message = mail(claimed(stream))
    url = renderer.urls.unsubscribe(5, 77)
    signed = url.rpartition("/")[2]
    assert message["List-Unsubscribe"] == f"<{url}>, <mailto:paul@human-movement.com?subject=unsubscribe%20{signed}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = _parts(message)
    assert url in text and url in html


@pytest.mark.parametrize("stream", BULK)
def test_bulk_mail_says_which_list_it_is(stream: Stream, mail: Mail) -> None:
    message = mail(claimed(stream))
    assert message["Precedence"] == "bulk"
    assert re.fullmatch(r"<(newsletter|series)\.localhost>", message["List-Id"])
    assert message["List-Id"] == mail(claimed(stream, "Alice", "alice@example.com"))["List-Id"]
    assert "Auto-Submitted" not in message


@pytest.mark.parametrize("stream", BULK)
def test_the_feedback_id_has_four_fields_and_nothing_personal(stream: Stream, mail: Mail) -> None:
    mine, hers = (
        mail(claimed(stream, "", email))["Feedback-ID"] for email in ("jane@example.com", "alice@example.com")
    )
    assert mine == hers
    assert len(mine.split(":")) == 4 and all(mine.split(":"))


@pytest.mark.parametrize("stream", OTHERS)
def test_other_mail_says_that_a_machine_sent_it(stream: Stream, mail: Mail) -> None:
    message = mail(claimed(stream))
    assert message["Auto-Submitted"] == "auto-generated"
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post", "Precedence", "List-Id"} & set(message.keys())


@pytest.mark.parametrize("stream", [*BULK, Stream.GUIDE])
def test_a_mail_can_be_read_in_the_browser(stream: Stream, mail: Mail, renderer: Renderer) -> None:
    url = renderer.urls.view(77)
    assert all(url in part for part in _parts(mail(claimed(stream))))


@pytest.mark.parametrize("stream", [Stream.CONFIRM, Stream.REMINDER])
def test_a_confirmation_carries_its_link_in_both_parts(stream: Stream, mail: Mail, renderer: Renderer) -> None:
    url = renderer.urls.confirm(1, 1_800_000_000)
    assert all(url in part for part in _parts(mail(claimed(stream))))


@pytest.mark.parametrize("stream", [Stream.CONFIRM, Stream.REMINDER])
def test_a_confirmation_without_a_guide_promises_none(stream: Stream, mail: Mail) -> None:
    message = mail(claimed(stream, guide=None))
    assert "guide" not in message["subject"].lower()
    assert "guide" not in _parts(message)[0].lower()


@pytest.mark.parametrize("stream", [Stream.GUIDE, Stream.TEST])
def test_a_guide_is_attached_only_where_the_owner_said_so(stream: Stream, mail: Mail, renderer: Renderer) -> None:
    message = mail(claimed(stream, guide={**GUIDE, "attached": True}))
    assert [part.get_content_type() for part in message.iter_parts()] == ["multipart/alternative", "application/pdf"]
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == "exercise-at-50.pdf"
    assert pdf.get_content() == renderer.guides("exercise-at-50").read_bytes()


def test_a_test_mail_says_so(mail: Mail) -> None:
    assert mail(claimed(Stream.TEST))["subject"] == f"[Test] {WORDS.subject}"


def test_the_message_id_and_the_return_path_are_minted_once(mail: Mail, renderer: Renderer) -> None:
    first, again = mail(claimed(Stream.GUIDE)), mail(claimed(Stream.GUIDE))
    assert first["message-id"] == again["message-id"] == renderer.message_id(77)
    assert renderer.return_path(77) == renderer.return_path(77) != renderer.return_path(78)
    assert re.fullmatch(r"b\+4d-[0-9a-f]{16}@localhost", renderer.return_path(77))


def test_the_date_is_the_products_time(mail: Mail) -> None:
    assert mail(claimed(Stream.GUIDE))["date"] == "Mon, 01 Jun 2026 11:00:00 +0000"


class _Look(HTMLParser):
    """Collects what STANDARDS.md 6 asks of a mail's HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("stream", Stream)
def test_the_html_can_be_read_by_everybody(stream: Stream, mail: Mail) -> None:
    _, html = _parts(mail(claimed(stream)))
    tags = _Look(html).tags
    assert dict(tags)["html"]["lang"] == "en-GB"
    assert "title" in dict(tags) and 'name="color-scheme"' in html
    assert all(attrs.get("role") == "presentation" for tag, attrs in tags if tag == "table")
    assert all(attrs.get("alt") is not None for tag, attrs in tags if tag == "img")
    assert not {"script", "link", "iframe", "form"} & {tag for tag, _ in tags}
    assert "var(--" not in html
    assert len(html.encode()) <= 100_000


@pytest.mark.parametrize("stream", Stream)
def test_a_readers_name_is_no_html(stream: Stream, mail: Mail) -> None:
    text, html = _parts(mail(claimed(stream, "<script>alert(1)</script>{{7*7}}")))
    assert "<script" not in html
    if stream in (Stream.CONFIRM, Stream.REMINDER, Stream.PROVE):
        assert "alert(1)" not in html + text, "a stranger may have typed it"
    elif stream not in (Stream.NOTICE, Stream.RESET, Stream.INVITATION, Stream.LOGIN):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in html
        assert "Hello <script>alert(1)</script>{{7*7}}" in text


@pytest.mark.parametrize("stream", Stream)
def test_nobody_is_greeted_by_an_empty_name(stream: Stream, mail: Mail) -> None:
    text, html = _parts(mail(claimed(stream, "")))
    assert "Hello ," not in text and "Hello ," not in html and "None" not in text


@pytest.mark.parametrize("stream", Stream)
def test_the_text_stands_for_itself(stream: Stream, mail: Mail) -> None:
    text, html = _parts(mail(claimed(stream)))
    assert "<" not in text.replace("<jane", "") and "&amp;" not in text and "{" not in text + html.split("</style>")[-1]


def test_a_local_part_beyond_ascii_stays_utf_8(composed: Composed) -> None:
    data = composed(claimed(Stream.GUIDE, "", "jürgen@example.de"))
    assert "To: jürgen@example.de\r\n".encode() in data


def test_a_series_mail_says_why_it_comes_and_a_campaign_too(mail: Mail) -> None:
    assert "because you asked Human Movement for a guide" in _parts(mail(claimed(Stream.STEP)))[0]
    assert "because you subscribed to the Human Movement newsletter" in _parts(mail(claimed(Stream.CAMPAIGN)))[0]


def test_a_public_article_greets_nobody_and_links_nobodys_pages(renderer: Renderer, house: Brand) -> None:
    body = "{{ greeting }},\n\nSee [your library]({{ library_url }}) and [the plan]({{ guide_pdf }}).\n"
    page = renderer.article_page(Content("Golf", "", body), house, "http://localhost:8000/g")
    assert "Hello" not in page.html
    assert page.html.count('href="http://localhost:8000/g"') == 2


def test_a_variable_that_is_not_there_stops_the_mail(renderer: Renderer, house: Brand) -> None:
    with pytest.raises(BadArticle, match=r"guide_pdf.* it is only there in the series"):
        renderer.rendered(Stream.CAMPAIGN, house, Reader(5), Content("Golf", "", "{{ guide_pdf }}"), {})


def test_every_stream_is_tried_here() -> None:
    assert set(CONTEXTS) == set(Stream)
    assert set(WRITTEN) == {Stream.STEP, Stream.CAMPAIGN, Stream.TEST}


def test_a_view_link_names_its_message(renderer: Renderer) -> None:
    token = renderer.urls.view(77).rsplit("/", 1)[1]
    assert renderer.signer.numbers(Purpose.VIEW, token) == (77,)


@pytest.mark.parametrize(
    ("form", "sender"),
    [("bounces@example.org", "bounces@example.org"), ("b+*@mail.example.org", "b+{}@mail.example.org")],
)
def test_the_envelope_sender_is_as_it_was_set(mail: Mail, renderer: Renderer, form: str, sender: str) -> None:
    own = replace(renderer, sender_form=form)
    assert own.return_path(77) == sender.format(renderer.signer.return_tag(77))
