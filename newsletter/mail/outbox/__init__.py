"""The ledger of mail: every Message there is, and the only ways it changes state.

`ready → claimed → handed over → sent | deferred | failed | uncertain | cancelled` (DESIGN.md section 5). Whoever wants
something mailed queues a Message here; `mail.delivery` is the only one that takes it further.
"""

from newsletter.mail.outbox.claims import Letter, begin, claim, keep, recover, release, was_uncertain
from newsletter.mail.outbox.dispatch import Dispatch, Hold
from newsletter.mail.outbox.message import OPEN, Attempt, Lane, Message, State
from newsletter.mail.outbox.queue import NotAgain, cancel, fill, queue, send_again
from newsletter.mail.outbox.record import Verdict, record

__all__ = [
    "OPEN",
    "Attempt",
    "Dispatch",
    "Hold",
    "Lane",
    "Letter",
    "Message",
    "NotAgain",
    "State",
    "Verdict",
    "begin",
    "cancel",
    "claim",
    "fill",
    "keep",
    "queue",
    "record",
    "recover",
    "release",
    "send_again",
    "was_uncertain",
]
