"""What a server's answer means: the one place where SMTP replies are classified (RFC 3463, 5321)."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from newsletter.mail.outbox import Lane, State
from newsletter.mail.transport import Outcome, Stage

GIVE_UP = {Lane.BULK: timedelta(hours=72), Lane.TRANSACTIONAL: timedelta(days=5)}
FIRST_WAIT = {Lane.BULK: timedelta(minutes=5), Lane.TRANSACTIONAL: timedelta(seconds=30)}
LONGEST_WAIT = timedelta(hours=4)
RELAY_WAIT = timedelta(seconds=5)
"""How soon a message is offered again when no relay could be reached; that is no attempt of the message."""
SECOND_TRY = timedelta(minutes=15)
NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})
MAILBOX_FULL = "5.2.2"
RELAY_TROUBLE = frozenset({530, 535, 454})


class Consequence(StrEnum):
    """What an outcome means beyond its message."""

    NONE = "none"
    HARD_BOUNCE = "hard bounce"
    """The address does not exist: nothing more is sent to it."""
    SOFT_BOUNCE = "soft bounce"
    """The mailbox is full: three in 14 days or more end it too."""
    POLICY = "policy"
    """The receiver dislikes the mail or its sender, not the address."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """The state a message gets, and when it is tried again if it is."""

    state: State
    due_at: datetime | None = None
    counts: bool = True
    consequence: Consequence = Consequence.NONE


def classify(outcome: Outcome, lane: Lane, attempts: int, created_at: datetime, now: datetime,
             uncertain_before: bool = False) -> Meaning:  # fmt: skip
    """What becomes of a message after this outcome. `attempts`: tries before this one."""
    if outcome.stage is Stage.ACCEPTED:
        return Meaning(State.SENT)
    if outcome.stage is Stage.RELAY or (outcome.stage is Stage.REJECTED and outcome.code in RELAY_TROUBLE):
        return Meaning(State.READY if attempts == 0 else State.DEFERRED, now + RELAY_WAIT, counts=False)
    if outcome.stage is Stage.LOST_AFTER:
        if lane is Lane.TRANSACTIONAL and not uncertain_before:
            return Meaning(State.DEFERRED, now + SECOND_TRY)
        return Meaning(State.UNCERTAIN)
    if outcome.stage is Stage.LOST_BEFORE or outcome.code < 500:
        return _later(lane, attempts, created_at, now)
    if outcome.enhanced in NO_SUCH_ADDRESS or (not outcome.enhanced and _names_no_mailbox(outcome)):
        return Meaning(State.FAILED, consequence=Consequence.HARD_BOUNCE)
    if outcome.enhanced == MAILBOX_FULL:
        return Meaning(State.FAILED, consequence=Consequence.SOFT_BOUNCE)
    return Meaning(State.FAILED, consequence=Consequence.POLICY)


def asks_to_slow_down(outcome: Outcome) -> bool:
    """Whether the receiver defers for policy (4.7.x, RFC 3463 §3.8): greylisting, or too much at once."""
    return outcome.stage is Stage.REJECTED and outcome.enhanced.startswith("4.7.") and outcome.code not in RELAY_TROUBLE


def _names_no_mailbox(outcome: Outcome) -> bool:
    # A server without enhanced codes: 550 and 551 to RCPT say that there is no such mailbox (RFC 5321 §4.2.3).
    return outcome.code in (550, 551) and outcome.at_command.upper().startswith("RCPT")


def _later(lane: Lane, attempts: int, created_at: datetime, now: datetime) -> Meaning:
    if now - created_at >= GIVE_UP[lane]:
        return Meaning(State.FAILED)
    # Exponential with jitter, so that a thousand deferred together do not come back together.
    wait = min(FIRST_WAIT[lane] * 2 ** min(attempts, 12), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    return Meaning(State.DEFERRED, now + wait)
