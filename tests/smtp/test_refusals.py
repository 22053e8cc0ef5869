"""What a refusal says: about one message, or about the relay."""

import pytest

from newsletter.smtp import Stage
from tests.smtp.talking import CHUNKING, PIPELINING, Talk


def test_530_says_the_relay_is_unusable_and_lets_the_others_answer() -> None:
    talk = Talk(CHUNKING)
    talk.give(1, 2)
    talk.wrote()
    refusals = b"530 5.7.0 log in\r\n503 no\r\n503 no\r\n"
    talk.says(refusals)
    assert not talk.connection.wants
    talk.says(b"250 ok\r\n" + refusals)
    assert talk.requeued() == [1, 2]
    assert talk.connection.failure is not None


@pytest.mark.parametrize("ehlo", [PIPELINING, CHUNKING])
def test_454_to_the_recipient_is_about_that_recipient(ehlo: bytes) -> None:
    talk = Talk(ehlo)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n454 4.7.1 Relay access denied\r\n503 no\r\n")
    (result,) = talk.results()
    assert (result.stage, result.code, result.at_command) == (Stage.REJECTED, 454, "RCPT")
    assert talk.connection.failure is None


def test_530_to_data_stops_the_relay_and_is_nobodys_attempt() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n530 5.7.0 log in\r\n")
    assert (talk.stages(), talk.requeued()) == ([], [1])
    assert talk.connection.failure is not None


def test_530_to_a_content_that_has_left_is_about_the_message() -> None:
    talk = Talk(CHUNKING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n530 5.7.0 log in\r\n")
    assert talk.stages() == [(1, Stage.REJECTED)]


@pytest.mark.parametrize("code", [471, 571, 599])
def test_a_code_that_no_rfc_knows_counts_by_its_first_digit(code: int) -> None:
    talk = Talk(CHUNKING)
    talk.give(1, 2)
    talk.wrote()
    talk.says(b"250 ok\r\n%d not to there\r\n503 no\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n" % code)
    first, second = talk.results()
    assert (first.key, first.stage, first.code) == (1, Stage.REJECTED, code)
    assert (second.key, second.stage) == (2, Stage.ACCEPTED)
