"""What a server's answer means: the one place where SMTP replies are classified (RFC 3463, 5321)."""

import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from newsletter.mail.outbox import SECOND_TRY, Lane, State
from newsletter.smtp import SmtpResult, Stage

GIVE_UP = {Lane.BULK: timedelta(hours=72), Lane.TRANSACTIONAL: timedelta(days=5)}
FIRST_WAIT = {Lane.BULK: timedelta(minutes=5), Lane.TRANSACTIONAL: timedelta(seconds=30)}
LONGEST_WAIT = timedelta(hours=4)
RELAY_WAIT = timedelta(seconds=5)
"""How soon a message is offered again when no relay could be reached; that is no attempt of the message."""
NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})
MAILBOX_FULL = "5.2.2"
TOO_LARGE = frozenset({"5.3.4", "5.2.3"})
_WHO = "(?:user|recipient|address|mailbox|account|person|local part)"
_NO_MAILBOX = re.compile(
    f"no such {_WHO}|unknown {_WHO}|invalid {_WHO}|not a (?:known|valid) {_WHO}|does(?:n't| not) exist"
    f"|{_WHO} (?:is )?(?:unknown|not found|not known|invalid|disabled|not local)|unrouteable address|no mailbox here",
    re.IGNORECASE,
)
"""How servers without enhanced codes say of an address that it is not there."""
_NOT_THEM = re.compile("sender|verif|callout|relay|helo|domain|credential", re.IGNORECASE)
"""What they may say it of instead: our own sender, or us."""


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


def classify(outcome: SmtpResult, lane: Lane, attempts: int, first_try: datetime, now: datetime,
             uncertain_before: bool = False) -> Meaning:  # fmt: skip
    """What becomes of a message after this outcome. `attempts`: tries before this one; `first_try`: when they began."""
    if outcome.stage is Stage.ACCEPTED:
        return Meaning(State.SENT)
    if outcome.stage is Stage.RELAY:  # the connection has told it apart: see `Connection._refuse`
        return Meaning(State.READY if attempts == 0 else State.DEFERRED, now + RELAY_WAIT, counts=False)
    if outcome.stage is Stage.LOST_AFTER:
        if lane is Lane.TRANSACTIONAL and not uncertain_before:
            return Meaning(State.DEFERRED, now + SECOND_TRY)
        return Meaning(State.UNCERTAIN)
    if outcome.stage is Stage.LOST_BEFORE or outcome.code < 500:
        return _later(lane, attempts, first_try, now)
    if outcome.enhanced in NO_SUCH_ADDRESS or (not outcome.enhanced and _names_no_mailbox(outcome)):
        return Meaning(State.FAILED, consequence=Consequence.HARD_BOUNCE)
    if outcome.enhanced == MAILBOX_FULL:
        return Meaning(State.FAILED, consequence=Consequence.SOFT_BOUNCE)
    return Meaning(State.FAILED, consequence=Consequence.POLICY)


def asks_to_slow_down(outcome: SmtpResult) -> bool:
    """Whether the receiver defers for policy (4.7.x, RFC 3463 §3.8): greylisting, or too much at once."""
    return outcome.stage is Stage.REJECTED and outcome.enhanced.startswith("4.7.")


def is_too_large(outcome: SmtpResult) -> bool:
    """Whether the message is larger than the server takes (RFC 1870 §6, RFC 3463 §3.3 and §3.4)."""
    plain = outcome.code == 552 and not outcome.enhanced
    return outcome.stage is Stage.REJECTED and (plain or outcome.enhanced in TOO_LARGE)


def _names_no_mailbox(outcome: SmtpResult) -> bool:
    # Without an enhanced code 550 to RCPT is "not found, no access, or command rejected for policy reasons" (RFC 5321
    # §4.2.3), and a relay that does not know us says it of everybody. Only words tell one from the other.
    told = outcome.code in (550, 551, 553) and outcome.at_command == "RCPT" and _NO_MAILBOX.search(outcome.text)
    return bool(told) and not _NOT_THEM.search(outcome.text)


def _later(lane: Lane, attempts: int, first_try: datetime, now: datetime) -> Meaning:
    if attempts and now - first_try >= GIVE_UP[lane]:
        return Meaning(State.FAILED)
    # Exponential with jitter, so that a thousand deferred together do not come back together.
    wait = min(FIRST_WAIT[lane] * 2 ** min(attempts, 12), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    return Meaning(State.DEFERRED, now + wait)
