"""The ledger of mail: every Message, and the only functions that change its state.

`ready → claimed → sending → sent | deferred | failed | uncertain | cancelled` (docs/architecture.md, "The ledger").
To mail something, queue a Message here; only `mail.delivery` takes it further. This package exports what most callers
need; the rarer functions are imported from their modules.
"""

from newsletter.mail.ledger.claim import claim
from newsletter.mail.ledger.dispatch import Dispatch, Hold
from newsletter.mail.ledger.message import ACCEPTED, OPEN, UNDER_WAY, Attempt, Lane, Message, State
from newsletter.mail.ledger.queue import NewMessage, cancel, queue
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.ledger.record import Outcome
from newsletter.mail.ledger.row_claims import ClaimedMessage

__all__ = [
    "ACCEPTED",
    "OPEN",
    "UNDER_WAY",
    "Attempt",
    "ClaimedMessage",
    "Dispatch",
    "Hold",
    "Lane",
    "Message",
    "NewMessage",
    "Outcome",
    "Reason",
    "State",
    "cancel",
    "claim",
    "queue",
]
