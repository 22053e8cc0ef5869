"""The usual four replies take a fast path: that must come to the same as octet by octet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.smtp import SmtpResult, Stage
from newsletter.smtp.session import Phase
from tests.smtp.talking import PIPELINING, Talk

REPLIES = [
    b"250 2.0.0 Ok: queued as 4A7\r\n", b"250 2.0.0\r\n", b"250 2.0.0x y\r\n", b"250  2.0.0 late \r\n",
    b"250 5.0.0 n\r\n", b"250 2.1234.0 n\r\n", b"250 " + b"2.6.0 long" * 50 + b"\r\n",
    b"250 ok\r\n", b"250\r\n", b"250-2.0.0 two\r\n250 lines\r\n", b"251 forwarded\r\n",
    b"354 go\r\n", b"354\r\n", b"354-go\r\n354 on\r\n", b"451 4.3.0 later\r\n",
    b"550 5.1.1 nobody\r\n", b"421 bye\r\n", b"250 bare\n", b"\r\n", b"250 a\x00b\xff\r\n", b"nonsense\r\n",
]  # fmt: skip
SPOKEN = st.sampled_from(REPLIES)
FIRST = [b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"]
USUAL = [b"250 2.0.0 kept\r\n", b"250 sender\r\n", b"250 recipient\r\n", b"354 go\r\n"]
ALMOST = st.tuples(*(st.one_of(st.just(reply), SPOKEN) for reply in USUAL)).map(list)
TURN = st.one_of(st.just(USUAL), ALMOST, st.lists(SPOKEN, min_size=1, max_size=6))


def _told(turns: list[list[bytes]], at_once: bool) -> tuple[list[SmtpResult], bytes, list[int], Phase]:
    talk, written, key = Talk(PIPELINING), b"", 0
    for turn in turns:
        if talk.connection.wants:
            key += 1
            talk.give(key)
        written += talk.wrote()
        for piece in [b"".join(turn)] if at_once else [bytes([octet]) for octet in b"".join(turn)]:
            if talk.connection.phase is not Phase.CLOSED:
                talk.says(piece)
        written += talk.wrote()
    return talk.results(), written, talk.round.sending, talk.connection.phase


@given(st.lists(TURN, max_size=6))
def test_the_fast_path_is_as_octet_by_octet(turns: list[list[bytes]]) -> None:
    assert _told([FIRST, *turns], at_once=True) == _told([FIRST, *turns], at_once=False)


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("reply", REPLIES)
def test_the_fast_path_with_one_reply_unlike_the_usual(reply: bytes, place: int) -> None:
    turn = [*USUAL[:place], reply, *USUAL[place + 1 :]]
    assert _told([FIRST, USUAL, turn], at_once=True) == _told([FIRST, USUAL, turn], at_once=False)


def test_all_is_not_well_before_the_content_has_left() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"".join(FIRST))
    talk.give(2)
    talk.wrote(9)  # of the first one's content
    talk.says(b"".join(USUAL))
    assert talk.connection.phase is Phase.CLOSED
    assert (1, Stage.LOST_BEFORE) in talk.stages()
