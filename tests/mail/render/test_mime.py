"""The bytes of a message, read back by the standard library's parsers."""

import quopri
import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.mail.render import mime

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LONG = st.text(st.sampled_from('ab ."\\,é漢🙂=?'), min_size=60, max_size=3000)
HOSTILE = [
    "Jane\r\nBcc: bob@example.com",
    "Jane\n\nbody",
    "=?utf-8?q?Paul?=",
    "=?utf-8?",
    '"Jane" <bob@example.com>',
    "back\\slash\\",
    "\x00\x07\x7f",
    "x" * 10_000,
    "é" * 5_000,
    "🙂" * 300,
    "<script>alert(1)</script>",
    "{{7*7}}",
    ".",
    "From ",
    "a@b.example, c@d.example",
    "‮gnp.exe",
]


def _one_header(raw: bytes) -> str:
    """The value of the one header that these lines are; fails when they are anything else."""
    assert raw.endswith(b"\r\n")
    lines = raw[:-2].split(b"\r\n")
    assert all(len(line) <= 998 and b"\r" not in line and b"\n" not in line for line in lines)
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])
    assert raw.isascii()
    return b"".join(lines).split(b": ", 1)[1].decode()


def _decoded(value: str) -> str:
    return str(make_header(decode_header(value)))


@given(TEXT | LONG)
@example("=?utf-8?q?Paul?=")
@example("x" * 2000)
@example("a " * 2000)
def test_a_subject_comes_back_as_it_was(value: str) -> None:
    wanted = " ".join(value.split())
    assert _decoded(_one_header(mime.text_header("Subject", value))) == wanted
    assert message_from_bytes(mime.text_header("Subject", value) + b"\r\n", policy=policy.default)["subject"] == wanted


@given(TEXT | LONG)
@example("x" * 2000)
@example("a, " * 2000)
def test_a_name_comes_back_as_it_was(name: str) -> None:
    raw = mime.address_header("To", name, "jane@example.com")
    shown, address = parseaddr(_one_header(raw))
    assert address == "jane@example.com"
    assert _decoded(shown) == " ".join(name.split())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_or_subject_makes_no_second_header(hostile: str) -> None:
    raw = mime.address_header("To", hostile, "jane@example.com") + mime.text_header("Subject", hostile)
    parsed = message_from_bytes(raw + b"\r\nbody", policy=policy.default)
    assert parsed.keys() == ["To", "Subject"]
    assert [one.addr_spec for one in parsed["to"].addresses] == ["jane@example.com"]
    assert parsed.get_payload() == "body"


def test_encoded_words_are_short_and_whole() -> None:
    words = _one_header(mime.text_header("Subject", "漢字 " * 100)).split()
    assert all(len(word) <= 75 for word in words)  # RFC 2047 §2
    assert all(decode_header(word)[0][0].decode() for word in words)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Jane", b"To: Jane <j@example.com>\r\n"),
        ("", b"To: j@example.com\r\n"),
        ("Jane O. Doe", b'To: "Jane O. Doe" <j@example.com>\r\n'),
        ('Jane "J" Doe', b'To: "Jane \\"J\\" Doe" <j@example.com>\r\n'),
    ],
)
def test_plain_names_stay_readable(name: str, line: bytes) -> None:
    assert mime.address_header("To", name, "j@example.com") == line


def test_a_local_part_beyond_ascii_travels_as_utf_8() -> None:
    assert mime.address_header("To", "", "jürgen@example.de") == "To: jürgen@example.de\r\n".encode()


def test_tokens_are_folded_between_and_never_encoded() -> None:
    long = f"<https://news.example.org/unsubscribe/{'x' * 200}>,"
    raw = mime.header("List-Unsubscribe", long, "<mailto:paul@example.com>")
    assert raw == f"List-Unsubscribe: {long}\r\n <mailto:paul@example.com>\r\n".encode()


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n .=From é"), max_size=300))
@example("." * 200)
@example("From " * 40)
@example("x" * 75 + "\n" + "x" * 76 + "\n" + "x" * 77)
@example("tail \t\n \n")
def test_a_body_comes_back_as_it_was(text: str) -> None:
    coded = mime.quoted_printable(text)
    assert quopri.decodestring(coded).decode() == "\r\n".join(_lines(text)) + "\r\n"


@given(st.text(max_size=300) | st.text(st.sampled_from("\r\n. From=é"), max_size=300))
def test_no_line_of_a_body_tempts_a_relay(text: str) -> None:
    coded = mime.quoted_printable(text)
    assert coded.isascii() and coded.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", coded)
    for line in coded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))


def test_a_lone_surrogate_breaks_nothing() -> None:
    assert mime.quoted_printable("a\ud800b") == b"a?b\r\n"
    assert mime.text_header("Subject", "a\ud800é").startswith(b"Subject: =?utf-8?b?")


def test_a_multipart_is_read_as_its_parts() -> None:
    inner = mime.multipart("alternative", "1-ab", [mime.text_part("plain", "Hello é"), mime.text_part("html", "<p>")])
    raw = mime.multipart("mixed", "m-1-ab", [inner, mime.pdf_part("guide.pdf", b"%PDF-1.7\n" * 100)])
    parsed = message_from_bytes(raw, policy=policy.default)
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/pdf",
    ]  # fmt: skip
    assert not any(part.defects for part in parsed.walk())
    text, _, pdf = (part for part in parsed.walk() if not part.is_multipart())
    assert text.get_content().strip() == "Hello é"
    assert (pdf.get_filename(), pdf.get_content()) == ("guide.pdf", b"%PDF-1.7\n" * 100)


def test_an_attachments_name_beyond_ascii_is_written_as_rfc_2231_wants_it() -> None:
    parsed = message_from_bytes(mime.pdf_part("Übung ab 50.pdf", b"%PDF"), policy=policy.default)
    assert parsed.get_filename() == "Übung ab 50.pdf"
