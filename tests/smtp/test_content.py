"""Dot-stuffing and line ends: what the server unpacks is what was given."""

from hypothesis import given
from hypothesis import strategies as st

from newsletter.smtp.content import dot_stuffed, whole_lines

pieces = st.lists(st.sampled_from([b".", b"..", b"\r\n", b"a", b"\r\n.\r\n", b"\xff", b" "]), max_size=30).map(b"".join)
loose = st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"x"]), max_size=30).map(b"".join)


def unstuffed(stream: bytes) -> bytes:
    """Read as a server does: up to the line with a lone dot, one dot off each line that begins with one."""
    lines: list[bytes] = []
    for line in stream.split(b"\r\n"):
        if line == b".":
            return b"".join(line + b"\r\n" for line in lines)
        lines.append(line.removeprefix(b"."))
    raise AssertionError("no end")


@given(pieces)
def test_the_server_reads_what_was_given(data: bytes) -> None:
    lines = whole_lines(data)
    assert unstuffed(dot_stuffed(lines) + b".\r\n") == lines


@given(pieces)
def test_whole_lines_only_adds_a_last_line_end(data: bytes) -> None:
    assert whole_lines(data) in (data, data + b"\r\n")


@given(loose)
def test_no_bare_line_end_is_left_for_smuggling(data: bytes) -> None:
    lines = whole_lines(data)
    assert lines.count(b"\r") == lines.count(b"\n") == lines.count(b"\r\n")
    assert lines.endswith(b"\r\n")
    stuffed = dot_stuffed(lines)
    assert b"\r\n.\r\n" not in stuffed
    assert not stuffed.startswith(b".\r\n")
