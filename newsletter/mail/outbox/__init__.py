"""The ledger of mail: every Message there is, and the only ways it changes state.

`ready → claimed → handed over → sent | deferred | failed | uncertain | cancelled` (DESIGN.md section 5). Whoever wants
something mailed queues a Message here; `mail.delivery` is the only one that takes it further.
"""

from newsletter.mail.outbox.again import NotAgain, send_again, send_all_again, troubled
from newsletter.mail.outbox.claims import (
    Letter,
    begin,
    claim,
    first_try,
    held_by,
    keep,
    release,
    was_uncertain,
)
from newsletter.mail.outbox.dispatch import Dispatch, Hold, Lot, LotClaim, LotState, of_dispatch, pause_open
from newsletter.mail.outbox.lost import LOST, SECOND_TRY, let_rest, put_back, recover
from newsletter.mail.outbox.lot_outcomes import record_lot
from newsletter.mail.outbox.lots import (
    begin_lot,
    claim_lot,
    keep_lot,
    recover_lots,
    release_lot,
    rewind_lot,
    words_under_way,
)
from newsletter.mail.outbox.mentions import forget_mentions
from newsletter.mail.outbox.message import ACCEPTED, OPEN, UNDER_WAY, Attempt, Lane, Message, State
from newsletter.mail.outbox.queue import (
    LOT,
    NewMail,
    call_off_late,
    call_off_next,
    cancel,
    fill,
    newest,
    queue,
    queue_many,
    reword,
)
from newsletter.mail.outbox.record import Verdict, record, take_off_guide
from newsletter.mail.outbox.take import Taken, TakenLot, TakenRows, take
from newsletter.mail.outbox.tally import count_anew, counts, strike_out
from newsletter.mail.outbox.words import TRIED, Turn, is_still, revision_of, turn, used

__all__ = [
    "ACCEPTED",
    "LOST",
    "LOT",
    "OPEN",
    "SECOND_TRY",
    "TRIED",
    "UNDER_WAY",
    "Attempt",
    "Dispatch",
    "Hold",
    "Lane",
    "Letter",
    "Lot",
    "LotClaim",
    "LotState",
    "Message",
    "NewMail",
    "NotAgain",
    "State",
    "Taken",
    "TakenLot",
    "TakenRows",
    "Turn",
    "Verdict",
    "begin",
    "begin_lot",
    "call_off_late",
    "call_off_next",
    "cancel",
    "claim",
    "claim_lot",
    "count_anew",
    "counts",
    "fill",
    "first_try",
    "forget_mentions",
    "held_by",
    "is_still",
    "keep",
    "keep_lot",
    "let_rest",
    "newest",
    "of_dispatch",
    "pause_open",
    "put_back",
    "queue",
    "queue_many",
    "record",
    "record_lot",
    "recover",
    "recover_lots",
    "release",
    "release_lot",
    "revision_of",
    "rewind_lot",
    "reword",
    "send_again",
    "send_all_again",
    "strike_out",
    "take",
    "take_off_guide",
    "troubled",
    "turn",
    "used",
    "was_uncertain",
    "words_under_way",
]
