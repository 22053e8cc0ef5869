"""Whatever bytes a program writes: read, and named."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.imports import BadFile, Flaw, Report
from newsletter.imports.source import Source

pytestmark = pytest.mark.sqlite_only

Bring = Callable[..., Report]
TEXT = "email,first_name\r\nzoe@x.example,Zoë\r\nrene@x.example,René\r\n"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (TEXT.encode(), "UTF-8"),
        (TEXT.encode("utf-8-sig"), "UTF-8"),
        (TEXT.encode("cp1252"), "Windows-1252"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (TEXT.encode("utf-16-le"), "UTF-16"),
        (TEXT.encode("utf-16-be"), "UTF-16"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (TEXT.replace("\r\n", "\r").encode(), "UTF-8"),
        (TEXT.replace(",", "\t").encode("utf-16"), "UTF-16"),
    ],
)
def test_every_encoding_is_read_and_named(content: bytes, named: str) -> None:
    source = Source(io.BytesIO(content))
    lines = [line.text.replace("\t", ",") for line in source.lines()]
    assert lines == TEXT.split("\r\n")[:-1]
    assert source.label == named


def test_one_line_of_another_encoding_is_read_by_itself_and_counted(bring: Bring) -> None:
    report = bring("email,first_name\nzoe@x.example,Zoë\n".encode() + "rene@x.example,René\n".encode("cp1252"))
    assert (report.reading.encoding, report.reading.odd_lines) == ("UTF-8", 1)


def test_bytes_that_are_nothing_cost_their_row_only(bring: Bring) -> None:
    report = bring(b"email,first_name\na@x.example,\x81\x8d\nb@x.example,B\n")
    assert [(one.line, one.flaw) for one in report.bad] == [(2, Flaw.BAD_BYTES)]
    assert report.fates["added"] == 1


@pytest.mark.parametrize("head", [b"PK\x03\x04rest", b"\x1f\x8brest", b"\xd0\xcf\x11\xe0rest", b"%PDF-1.7"])
def test_what_is_no_text_is_named(head: bytes, bring: Bring) -> None:
    with pytest.raises(BadFile, match=r"This is .*CSV"):
        bring(head)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("said", [True, False])
def test_separators_are_recognised_and_told(separator: str, said: bool, bring: Bring) -> None:
    first = f"sep={separator}\r\n" if said else ""
    rows = f'first_name{separator}email\r\nJane{separator}jane@x.example\r\n"A{separator}B"{separator}b@x.example\r\n'
    report = bring(first + rows)
    assert (report.reading.separator, report.fates["added"]) == (separator, 2)


def test_lines_are_told_as_an_editor_counts_them(bring: Bring) -> None:
    report = bring("\ufeffsep=;\n\nemail;first_name\n\na@x.example;A\nnobody;B\n")
    assert [one.line for one in report.bad] == [6]


@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_a_bad_file(content: bytes) -> None:
    try:
        source = Source(io.BytesIO(content))
        lines = list(source.lines())
    except BadFile:
        return
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
