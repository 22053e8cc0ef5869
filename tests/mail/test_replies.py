"""What a server's answer means for the message, its person, and its next try."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.mail.ledger import Lane, State
from newsletter.mail.replies import LONGEST_WAIT, BounceClass, classify
from newsletter.smtp import SmtpResult, Stage
from tests.conftest import NOON


def _outcome(
    code: int, enhanced: str = "", stage: Stage = Stage.REJECTED, at: str = "RCPT", words: str = "words"
) -> SmtpResult:
    return SmtpResult(7, stage, code, enhanced, f"{enhanced} {words}".strip(), "mx.example:25", at)


@pytest.mark.parametrize(
    ("code", "enhanced", "at", "bounce"),
    [
        (550, "5.1.1", "RCPT", BounceClass.HARD_BOUNCE),
        (550, "5.1.2", "RCPT", BounceClass.HARD_BOUNCE),
        (553, "5.1.6", ".", BounceClass.HARD_BOUNCE),
        (556, "5.1.10", "RCPT", BounceClass.HARD_BOUNCE),
        (550, "5.2.1", ".", BounceClass.HARD_BOUNCE),
        (552, "5.2.2", "RCPT", BounceClass.SOFT_BOUNCE),
        (550, "5.7.1", "RCPT", BounceClass.POLICY),
        (550, "", ".", BounceClass.POLICY),
        (550, "", "RCPT", BounceClass.POLICY),
        (571, "", "RCPT", BounceClass.POLICY),
        (530, "5.7.0", ".", BounceClass.POLICY),
        (554, "", "RCPT", BounceClass.POLICY),
        (554, "5.6.0", ".", BounceClass.POLICY),
        (552, "5.3.4", "MAIL", BounceClass.POLICY),
        (553, "5.6.7", "local", BounceClass.POLICY),
    ],
)
def test_a_refusal_for_good_and_what_it_says_of_the_address(
    code: int, enhanced: str, at: str, bounce: BounceClass
) -> None:
    classified = classify(_outcome(code, enhanced, at=at), Lane.BULK, 0, NOON, NOON)
    assert (classified.state, classified.due_at, classified.is_attempt) == (State.FAILED, None, True)
    assert classified.bounce is bounce


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("No such user here", True),
        ("Unrouteable address", True),
        ("sorry, no mailbox here by that name. (#5.1.1)", True),
        ("<jane@example.com>: Recipient address rejected: User unknown in local recipient table", True),
        ("The email account that you tried to reach does not exist.", True),
        ("Unknown user", True),
        ("551 User not local; please try <j@elsewhere>", True),
        ("relay not permitted", False),
        ("Relaying denied", False),
        ("Requested action not taken: mailbox unavailable", False),
        ("Message rejected: sender address listed at zen.example", False),
        ("Administrative prohibition", False),
        ("Access denied, unknown host", False),
        ("Verification failed for <news@example.org> Unrouteable address Sender verify failed", False),
        ("Called: 192.0.2.1 Response: 550 No such user Sender verify failed", False),
        ("Sender domain does not exist", False),
        ("<news@example.org>: Sender address rejected: User unknown in virtual mailbox table", False),
        ("Invalid account credentials, relay denied", False),
    ],
)
def test_without_an_enhanced_code_only_words_tell_a_lost_address_from_a_relay_that_is_set_up_wrongly(
    words: str, gone: bool
) -> None:
    classified = classify(_outcome(550, words=words), Lane.BULK, 0, NOON, NOON)
    assert classified.state is State.FAILED
    assert classified.bounce is (BounceClass.HARD_BOUNCE if gone else BounceClass.POLICY)
    in_data = classify(_outcome(550, words=words, at="."), Lane.BULK, 0, NOON, NOON)
    assert in_data.bounce is BounceClass.POLICY


def test_accepted_is_sent() -> None:
    classified = classify(_outcome(250, "2.0.0", Stage.ACCEPTED, "."), Lane.BULK, 3, NOON, NOON)
    assert (classified.state, classified.bounce) == (State.SENT, BounceClass.NONE)


@pytest.mark.parametrize("stage", [Stage.REJECTED, Stage.LOST_BEFORE])
@pytest.mark.parametrize("lane", Lane)
def test_trouble_before_the_last_dot_is_tried_again(stage: Stage, lane: Lane) -> None:
    code = 451 if stage is Stage.REJECTED else 0
    classified = classify(_outcome(code, stage=stage), lane, 0, NOON, NOON)
    assert classified.state is State.DEFERRED
    assert classified.due_at is not None and NOON < classified.due_at < NOON + timedelta(minutes=10)


@given(st.sampled_from(Lane), st.integers(0, 1000))
def test_waits_grow_and_have_an_end(lane: Lane, attempts: int) -> None:
    due = classify(_outcome(421), lane, attempts, NOON, NOON).due_at
    assert due is not None and NOON < due <= NOON + LONGEST_WAIT * 1.2


def test_a_thousand_deferred_together_do_not_come_back_together() -> None:
    assert len({classify(_outcome(421), Lane.BULK, 2, NOON, NOON).due_at for _ in range(100)}) > 90


@pytest.mark.parametrize(("lane", "limit"), [(Lane.BULK, timedelta(hours=72)), (Lane.TRANSACTIONAL, timedelta(days=5))])
def test_tries_end(lane: Lane, limit: timedelta) -> None:
    last, over = NOON + limit - timedelta(seconds=1), NOON + limit
    assert classify(_outcome(451), lane, 20, NOON, last).state is State.DEFERRED
    assert classify(_outcome(451), lane, 20, NOON, over).state is State.FAILED


@pytest.mark.parametrize("lane", Lane)
def test_nothing_is_given_up_at_its_first_try(lane: Lane) -> None:
    assert classify(_outcome(451), lane, 0, NOON, NOON + timedelta(days=30)).state is State.DEFERRED


@pytest.mark.parametrize(("attempts", "state"), [(0, State.READY), (2, State.DEFERRED)])
def test_the_relays_own_trouble_is_no_attempt_however_long_it_lasts(attempts: int, state: State) -> None:
    classified = classify(_outcome(454, "4.7.0", Stage.RELAY), Lane.BULK, attempts, NOON, NOON + timedelta(days=30))
    assert (classified.state, classified.is_attempt, classified.bounce) == (state, False, BounceClass.NONE)
    assert classified.due_at is not None


def test_bulk_mail_lost_after_the_last_dot_is_uncertain() -> None:
    classified = classify(_outcome(0, stage=Stage.LOST_AFTER), Lane.BULK, 0, NOON, NOON)
    assert (classified.state, classified.due_at) == (State.UNCERTAIN, None)


def test_a_guide_lost_after_the_last_dot_is_tried_once_more_after_15_minutes() -> None:
    lost = _outcome(0, stage=Stage.LOST_AFTER)
    once = classify(lost, Lane.TRANSACTIONAL, 0, NOON, NOON)
    assert (once.state, once.due_at) == (State.DEFERRED, NOON + timedelta(minutes=15))
    assert classify(lost, Lane.TRANSACTIONAL, 1, NOON, NOON, uncertain_before=True).state is State.UNCERTAIN
