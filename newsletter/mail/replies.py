"""Classifies SMTP replies (RFC 3463, 5321); nothing else decides what they mean for a message and its address."""

import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from newsletter.mail.ledger import Lane, State
from newsletter.mail.ledger.lost import SECOND_TRY
from newsletter.smtp import SmtpResult, Stage

GIVE_UP = {Lane.BULK: timedelta(hours=72), Lane.TRANSACTIONAL: timedelta(days=5)}
FIRST_WAIT = {Lane.BULK: timedelta(minutes=5), Lane.TRANSACTIONAL: timedelta(seconds=30)}
LONGEST_WAIT = timedelta(hours=4)
RELAY_WAIT = timedelta(seconds=5)
"""How soon a message is retried when no relay could be reached; no attempt is counted."""
NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})
MAILBOX_FULL = "5.2.2"
TOO_LARGE = frozenset({"5.3.4", "5.2.3"})
_WHO = "(?:user|recipient|address|mailbox|account|person|local part)"
_NO_MAILBOX = re.compile(
    f"no such {_WHO}|unknown {_WHO}|invalid {_WHO}|not a (?:known|valid) {_WHO}|does(?:n't| not) exist"
    f"|{_WHO} (?:is )?(?:unknown|not found|not known|invalid|disabled|not local)|unrouteable address|no mailbox here",
    re.IGNORECASE,
)
"""How servers without enhanced codes say that an address does not exist."""
_NOT_THE_ADDRESS = re.compile("sender|verif|callout|relay|helo|domain|credential", re.IGNORECASE)
"""Signs that they mean our sender, or us, instead."""


class BounceClass(StrEnum):
    """What a reply means for the address."""

    NONE = "none"
    HARD_BOUNCE = "hard bounce"
    """The address does not exist: nothing more is sent to it."""
    SOFT_BOUNCE = "soft bounce"
    """The mailbox is full: three over at least 14 days end it too."""
    POLICY = "policy"
    """The receiver dislikes the mail or its sender, not the address."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A message's new state, when to retry if at all, and what the reply means for the address."""

    state: State
    due_at: datetime | None = None
    is_attempt: bool = True
    bounce: BounceClass = BounceClass.NONE


def classify(result: SmtpResult, lane: Lane, attempts: int, first_try: datetime, now: datetime,
             uncertain_before: bool = False) -> Classification:  # fmt: skip
    """Classify a result. `attempts`: tries before this one; `first_try`: when the first of them was."""
    if result.stage is Stage.ACCEPTED:
        return Classification(State.SENT)
    if result.stage is Stage.RELAY:  # recognised by the connection (`Settling._refuse`)
        return Classification(State.READY if attempts == 0 else State.DEFERRED, now + RELAY_WAIT, is_attempt=False)
    if result.stage is Stage.LOST_AFTER:
        if lane is Lane.TRANSACTIONAL and not uncertain_before:
            return Classification(State.DEFERRED, now + SECOND_TRY)
        return Classification(State.UNCERTAIN)
    if result.stage is Stage.LOST_BEFORE or result.code < 500:
        return _later(lane, attempts, first_try, now)
    if result.enhanced in NO_SUCH_ADDRESS or (not result.enhanced and _names_no_mailbox(result)):
        return Classification(State.FAILED, bounce=BounceClass.HARD_BOUNCE)
    if result.enhanced == MAILBOX_FULL:
        return Classification(State.FAILED, bounce=BounceClass.SOFT_BOUNCE)
    return Classification(State.FAILED, bounce=BounceClass.POLICY)


def asks_to_slow_down(result: SmtpResult) -> bool:
    """Whether the receiver defers for policy (4.7.x, RFC 3463 §3.8): greylisting, or too much at once."""
    return result.stage is Stage.REJECTED and result.enhanced.startswith("4.7.")


def is_too_large(result: SmtpResult) -> bool:
    """Whether the message is larger than the server accepts (RFC 1870 §6, RFC 3463 §3.3 and §3.4)."""
    plain = result.code == 552 and not result.enhanced
    return result.stage is Stage.REJECTED and (plain or result.enhanced in TOO_LARGE)


def _names_no_mailbox(result: SmtpResult) -> bool:
    # Without an enhanced code, 550 to RCPT is "not found, no access, or command rejected for policy reasons" (RFC 5321
    # §4.2.3), and a relay that does not know us says it for every address. Only the words distinguish these.
    named = result.code in (550, 551, 553) and result.at_command == "RCPT" and _NO_MAILBOX.search(result.text)
    return bool(named) and not _NOT_THE_ADDRESS.search(result.text)


def _later(lane: Lane, attempts: int, first_try: datetime, now: datetime) -> Classification:
    if attempts and now - first_try >= GIVE_UP[lane]:
        return Classification(State.FAILED)
    # Exponential with jitter, so that a thousand messages deferred together do not return together.
    wait = min(FIRST_WAIT[lane] * 2 ** min(attempts, 12), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    return Classification(State.DEFERRED, now + wait)
