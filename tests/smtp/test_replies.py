"""The reply parser: whatever pieces the octets come in, the replies are the same."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from newsletter.smtp.reply import LINE_LIMIT, ReplyParser, enhanced_status, printable

words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30).map(str.encode)
codes = st.sampled_from([220, 235, 250, 251, 334, 354, 421, 450, 550, 554])
replies = st.lists(st.tuples(codes, st.lists(words, min_size=1, max_size=4)), max_size=6)


def wire(parts: list[tuple[int, list[bytes]]]) -> bytes:
    lines = []
    for code, texts in parts:
        lines += [b"%d-%b\r\n" % (code, text) for text in texts[:-1]]
        lines.append(b"%d %b\r\n" % (code, texts[-1]))
    return b"".join(lines)


def plain(text: bytes) -> bytes:
    return text.removesuffix(b"\r")


@given(replies, st.lists(st.integers(0, 400), max_size=20))
def test_any_cutting_gives_the_same_replies(parts: list[tuple[int, list[bytes]]], cuts: list[int]) -> None:
    data = wire(parts)
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    parser = ReplyParser()
    got = [reply for a, b in pairwise(places) for reply in parser.feed(data[a:b])]
    assert [(code, plain(text)) for code, text in got] == [(code, b"\n".join(texts)) for code, texts in parts]
    assert not parser.broken


@given(st.binary(max_size=300))
def test_no_octets_make_it_raise(data: bytes) -> None:
    whole, single = ReplyParser(), ReplyParser()
    at_once = whole.feed(data)
    one_by_one = [reply for n in range(len(data)) for reply in single.feed(data[n : n + 1])]
    assert at_once == one_by_one
    assert whole.broken == single.broken


def test_half_a_reply_is_no_reply() -> None:
    parser = ReplyParser()
    assert parser.feed(b"250 queued as 12") == []
    assert parser.feed(b"34\r") == []
    assert parser.feed(b"\n") == [(250, b"queued as 1234\r")]


def test_replies_before_garbage_count_and_nothing_after() -> None:
    parser = ReplyParser()
    assert parser.feed(b"250 one\r\nHTTP/1.1 400 Bad\r\n250 two\r\n") == [(250, b"one\r")]
    assert "not a reply" in parser.broken
    assert parser.feed(b"250 three\r\n") == []


def test_codes_outside_smtp_are_garbage() -> None:
    for line in (b"099 x\r\n", b"150 x\r\n", b"600 x\r\n", b"2500 x\r\n", b"25\r\n", b"\r\n", b"250_x\r\n"):
        parser = ReplyParser()
        assert parser.feed(line) == []
        assert parser.broken, line


def test_a_reply_may_not_change_its_code_half_way() -> None:
    parser = ReplyParser()
    assert parser.feed(b"250-a\r\n550 b\r\n") == []
    assert parser.broken


def test_endless_lines_and_endless_replies_are_cut_off() -> None:
    parser = ReplyParser()
    for _ in range(LINE_LIMIT // 100 + 2):
        assert parser.feed(b"2" * 100) == []
    assert parser.broken
    parser = ReplyParser()
    for _ in range(2000):
        assert parser.feed(b"250-" + b"x" * 60 + b"\r\n") == []
    assert parser.broken


def test_enhanced_status_is_believed_only_if_its_class_fits() -> None:
    assert enhanced_status(550, "5.1.1 no such user") == "5.1.1"
    assert enhanced_status(250, "2.0.0") == "2.0.0"
    assert enhanced_status(550, "4.1.1 what") == ""
    assert enhanced_status(550, "5.1.1234 what") == ""
    assert enhanced_status(550, "no such user 5.1.1") == ""


@given(st.binary(max_size=2000))
def test_text_is_printable_and_short(raw: bytes) -> None:
    text = printable(raw)
    assert text.isprintable()
    assert len(text) <= 500
