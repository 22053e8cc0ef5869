"""The state machine, octet by octet: no socket, no clock."""

import pytest

from newsletter.smtp import Envelope, SmtpResult, Stage
from newsletter.smtp.session import Phase
from tests.smtp.talking import CHUNKING, NOTHING, PIPELINING, Talk, commands


def test_the_next_envelope_goes_behind_the_last_dot() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    assert not talk.connection.wants
    assert talk.wrote() == commands(1)
    assert talk.round.sending == []
    talk.says(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert talk.round.sending == [1]
    talk.give(2)
    assert talk.wrote() == b"A: 1\r\n\r\n..x\r\n.\r\n" + commands(2)
    talk.says(b"250 2.0.0 first\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    assert talk.results() == [SmtpResult(1, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 first", "mx:25", ".")]
    assert talk.round.sending == [1, 2]
    talk.wrote()
    talk.says(b"451 4.3.0 later\r\n")
    assert talk.results() == [SmtpResult(2, Stage.REJECTED, 451, "4.3.0", "4.3.0 later", "mx:25", ".")]


def test_content_waits_for_its_own_354() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n")
    assert talk.wrote() == b""
    assert talk.round.sending == []


def test_a_refused_recipient_is_cleared_with_rset() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n550 5.1.1 nobody\r\n503 no recipients\r\n")
    assert talk.results() == [SmtpResult(1, Stage.REJECTED, 550, "5.1.1", "5.1.1 nobody", "mx:25", "RCPT")]
    talk.give(2)
    assert talk.wrote() == b"RSET\r\n" + commands(2)
    talk.says(b"250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    talk.wrote()
    talk.says(b"250 ok\r\n")
    assert talk.stages() == [(2, Stage.ACCEPTED)]


def test_354_with_nobody_accepted_gets_a_lone_dot() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n450 4.2.0 later\r\n354 go\r\n")
    assert talk.wrote() == b".\r\nRSET\r\n"
    assert talk.round.sending == []
    talk.says(b"250 accepted for nobody\r\n250 reset\r\n")
    assert [(o.stage, o.code) for o in talk.results()] == [(Stage.REJECTED, 450)]
    assert talk.connection.wants


def test_354_for_a_recipient_whose_mail_was_refused_ends_the_connection() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"552 no\r\n250 ok\r\n354 go\r\n")
    assert talk.wrote() == b""
    assert talk.connection.phase is Phase.CLOSED
    assert [(o.stage, o.code, o.at_command) for o in talk.results()] == [(Stage.REJECTED, 552, "MAIL")]


def test_refused_data_is_the_messages_own() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n451 4.7.1 wait\r\n")
    assert [(o.stage, o.code, o.at_command) for o in talk.results()] == [(Stage.REJECTED, 451, "DATA")]
    assert talk.wrote() == b"RSET\r\n"


@pytest.mark.parametrize(
    ("left", "stage"), [(-6, Stage.LOST_BEFORE), (-3, Stage.LOST_BEFORE), (-2, Stage.LOST_AFTER), (0, Stage.LOST_AFTER)]
)
def test_loss_is_uncertain_from_the_first_octet_of_the_final_dot(left: int, stage: Stage) -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n354 go\r\n")
    octets = len(b"".join(talk.connection.out))
    talk.wrote(octets + left)
    talk.connection.lose("gone")
    assert talk.stages() == [(1, stage)]


@pytest.mark.parametrize(("left", "stage"), [(-1, Stage.LOST_BEFORE), (0, Stage.LOST_AFTER)])
def test_a_chunk_is_uncertain_once_it_has_left_whole(left: int, stage: Stage) -> None:
    talk = Talk(CHUNKING)
    talk.give(1)
    octets = len(b"".join(talk.connection.out))
    talk.wrote(octets + left)
    talk.connection.lose("gone")
    assert talk.stages() == [(1, stage)]


def test_loss_in_a_pipeline_tells_each_message_apart() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.give(2)
    talk.wrote()
    talk.connection.lose("gone")
    assert talk.stages() == [(1, Stage.LOST_AFTER)]
    assert talk.requeued() == [2]


@pytest.mark.parametrize("ehlo", [PIPELINING, CHUNKING])
@pytest.mark.parametrize("step", [0, 1, 2])
def test_nothing_behind_421_was_taken(ehlo: bytes, step: int) -> None:
    """RFC 5321 §3.8: with 421 the session is over, and replies come in the order of the commands."""
    talk = Talk(ehlo)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n354 go\r\n" if ehlo is PIPELINING else b"250 ok\r\n250 ok\r\n")
    talk.give(*((2,) if ehlo is PIPELINING else (2, 3, 4)))
    talk.wrote()
    handed = list(talk.round.sending)
    talk.says(b"250 took it\r\n" + (b"250 reset\r\n" if ehlo is CHUNKING else b""))
    talk.says(b"250 ok\r\n" * step + b"421 4.3.2 that was enough\r\n")
    assert talk.stages() == [(1, Stage.ACCEPTED)]
    assert talk.requeued() == ([2] if ehlo is PIPELINING else [2, 3, 4])
    assert talk.round.sending == [key for key in handed if key == 1]
    assert talk.connection.phase is Phase.CLOSED
    assert talk.connection.failure is None


def test_what_a_connection_loses_without_a_word_may_have_been_taken() -> None:
    """A server may hold replies back while more input is there: whatever has left whole is uncertain."""
    talk = Talk(CHUNKING)
    talk.give(1, 2, 3)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n250 took it\r\n")
    talk.connection.lose("gone", by_relay=True)
    assert talk.stages() == [(1, Stage.ACCEPTED), (2, Stage.LOST_AFTER), (3, Stage.LOST_AFTER)]


def test_a_relay_that_hung_up_is_given_one_message_at_a_time() -> None:
    talk = Talk(CHUNKING, depth=8)
    talk.give(1, 2, 3)
    talk.wrote()
    talk.connection.lose("gone", by_relay=True)
    assert talk.pace.depth == 1


def test_half_a_reply_counts_for_nothing() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.wrote()
    talk.says(b"250 2.0.0 queued")
    talk.connection.lose("gone")
    assert talk.stages() == [(1, Stage.LOST_AFTER)]


def test_an_answer_before_the_content_left_is_not_believed() -> None:
    talk = Talk(PIPELINING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk.wrote(4)
    talk.says(b"250 thank you\r\n")
    assert talk.stages() == [(1, Stage.LOST_BEFORE)]


def test_whole_messages_go_several_deep_with_rset_between() -> None:
    talk = Talk(CHUNKING, depth=2)
    talk.give(1, 2)
    assert not talk.connection.wants
    assert talk.round.sending == [1, 2]
    first = b"MAIL FROM:<s@x.org>\r\nRCPT TO:<r1@y.org>\r\nBDAT 12 LAST\r\nA: 1\r\n\r\n.x\r\n"
    second = b"RSET\r\nMAIL FROM:<s@x.org>\r\nRCPT TO:<r2@y.org>\r\nBDAT 12 LAST\r\nA: 2\r\n\r\n.x\r\n"
    assert talk.wrote() == first + second
    talk.says(b"250 ok\r\n550 5.1.1 no\r\n503 no recipient\r\n250 reset\r\n250 ok\r\n250 ok\r\n250 took it\r\n")
    assert talk.stages() == [(1, Stage.REJECTED), (2, Stage.ACCEPTED)]
    assert talk.connection.wants


def test_a_chunk_accepted_for_nobody_is_still_refused() -> None:
    talk = Talk(CHUNKING)
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n550 5.1.1 no\r\n250 fine\r\n")
    assert talk.stages() == [(1, Stage.REJECTED)]


def refuse(talk: Talk, key: int, reply: bytes) -> None:
    talk.give(key)
    talk.wrote()
    talk.says(reply)


def test_it_says_goodbye_before_a_server_tires_of_rset() -> None:
    talk = Talk(PIPELINING)
    for key in range(1, 10):
        refuse(talk, key, b"250 ok\r\n550 no\r\n503 no\r\n" + b"250 reset\r\n")
    assert talk.connection.tired
    assert not talk.connection.wants


def test_a_success_between_refusals_starts_the_count_again() -> None:
    talk = Talk(PIPELINING)
    for key in range(1, 30, 2):
        refuse(talk, key, b"250 ok\r\n550 no\r\n503 no\r\n" + b"250 reset\r\n")
        refuse(talk, key + 1, b"250 ok\r\n250 ok\r\n354 go\r\n")
        talk.wrote()
        talk.says(b"250 ok\r\n")
    assert talk.connection.wants


def test_with_chunks_no_more_are_in_flight_than_may_be_refused() -> None:
    talk = Talk(CHUNKING, depth=16)
    resets, key = 0, 1
    while not talk.connection.tired:
        while talk.connection.wants:
            talk.give(key)
            key += 1
        resets += talk.wrote().count(b"RSET\r\n")
        talk.says(b"250 ok\r\n550 no\r\n503 no\r\n" + b"250 reset\r\n" * talk.connection.busy)
    assert 4 <= resets <= 10


def test_a_refused_rset_is_nobodys_fault() -> None:
    talk = Talk(PIPELINING)
    refuse(talk, 1, b"250 ok\r\n550 no\r\n503 no\r\n")
    talk.give(2)
    talk.wrote()
    talk.says(b"554 too many\r\n")
    assert talk.stages() == [(1, Stage.REJECTED)]
    assert [envelope.key for envelope in talk.round.requeued] == [2]
    assert talk.connection.phase is Phase.CLOSED


def test_large_messages_wait_for_room() -> None:
    talk = Talk(CHUNKING)
    big = b"x" * 78 + b"\r\n"
    talk.connection.give(Envelope(1, "s@x.org", "r@y.org", big * 14000))
    assert not talk.connection.wants


def test_without_pipelining_one_command_at_a_time() -> None:
    talk = Talk(NOTHING)
    talk.give(1)
    assert talk.wrote() == b"MAIL FROM:<s@x.org>\r\n"
    talk.says(b"250 ok\r\n")
    assert talk.wrote() == b"RCPT TO:<r1@y.org>\r\n"
    talk.says(b"250 ok\r\n")
    assert talk.wrote() == b"DATA\r\n"
    talk.says(b"354 go\r\n")
    assert not talk.connection.wants
    assert talk.wrote() == b"A: 1\r\n\r\n..x\r\n.\r\n"
    talk.says(b"250 ok\r\n")
    assert talk.stages() == [(1, Stage.ACCEPTED)]
    talk.give(2)
    talk.wrote()
    talk.says(b"250 ok\r\n")
    talk.wrote()
    talk.says(b"550 no\r\n")
    assert talk.wrote() == b"RSET\r\n"
    assert not talk.connection.wants
    talk.says(b"250 ok\r\n")
    assert talk.connection.wants


def test_a_connection_that_died_at_rest_costs_no_attempt() -> None:
    for death in (b"", b"421 idle too long\r\n"):
        talk = Talk(CHUNKING)
        talk.connection.was_idle()
        talk.give(1)
        assert not talk.connection.wants
        assert talk.wrote() == commands(1)
        talk.says(death)
        talk.connection.lose("gone")
        assert [envelope.key for envelope in talk.round.requeued] == [1]
        assert talk.results() == []


def test_after_rest_and_one_reply_loss_is_loss() -> None:
    talk = Talk(PIPELINING)
    talk.connection.was_idle()
    talk.give(1)
    talk.wrote()
    talk.says(b"250 ok\r\n")
    talk.connection.lose("gone")
    assert talk.stages() == [(1, Stage.LOST_BEFORE)]
    assert talk.round.requeued == []
