"""Spam points: what SpamAssassin says of a mail before it goes.

A page asks and a worker has it scored (`work`), for it alone is told the keys that sign; a feed's mail and a command's
are asked about by who would send them. What was said is kept with the fingerprint of the mail: of other words nothing
is known.
"""

from newsletter.preflight.spam.check import checks_of, level_of, spam_checks
from newsletter.preflight.spam.mails import fingerprint_of, mail_of_revision, mail_of_words, mails_of, mails_of_campaign
from newsletter.preflight.spam.record import Scores, SpamScore, ask, is_waiting, keep, score_of
from newsletter.preflight.spam.work import GONE, UNFIT, UNSET, go_on, scored

__all__ = [
    "GONE", "UNFIT", "UNSET", "Scores", "SpamScore", "ask", "checks_of", "fingerprint_of", "go_on", "is_waiting",
    "keep", "level_of", "mail_of_revision", "mail_of_words", "mails_of", "mails_of_campaign", "score_of", "scored",
    "spam_checks",
]  # fmt: skip
