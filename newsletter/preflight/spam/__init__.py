"""Spam points: what SpamAssassin says of a mail before it goes.

A page asks and a worker has it scored (`work`), for it alone is told the keys that sign. What was said is kept with the
fingerprint of the mail: of other words nothing is known.
"""

from newsletter.preflight.spam.check import level_of, spam_checks
from newsletter.preflight.spam.mails import fingerprint_of, mails_of
from newsletter.preflight.spam.record import Scores, SpamScore, ask, is_waiting, score_of
from newsletter.preflight.spam.work import GONE, UNFIT, UNSET, go_on

__all__ = [
    "GONE", "UNFIT", "UNSET", "Scores", "SpamScore", "ask", "fingerprint_of", "go_on", "is_waiting", "level_of",
    "mails_of", "score_of", "spam_checks",
]  # fmt: skip
