"""Sequences: series of articles, sent step by step with delays, usually after a guide."""

from newsletter.sequences.advance import advance_due, is_due
from newsletter.sequences.again import is_under_way, steps_ahead, stopped
from newsletter.sequences.delay import Delay, Unit, due_after, local_day
from newsletter.sequences.enrollment import Enrollment, EnrollmentStatus, enroll, stop, switch_off
from newsletter.sequences.let_be import due_of, let_be
from newsletter.sequences.mails import mail_context
from newsletter.sequences.outlook import articles_on
from newsletter.sequences.pause import go_on, look_again, pause
from newsletter.sequences.place import Place
from newsletter.sequences.replan import keep_dates, replan
from newsletter.sequences.sequence import Sequence, Step, follow
from newsletter.sequences.simulate import Planned, Standing, simulate, soonest, standing, what_is_next

__all__ = [
    "Delay",
    "Enrollment",
    "EnrollmentStatus",
    "Place",
    "Planned",
    "Sequence",
    "Standing",
    "Step",
    "Unit",
    "advance_due",
    "articles_on",
    "due_after",
    "due_of",
    "enroll",
    "follow",
    "go_on",
    "is_due",
    "is_under_way",
    "keep_dates",
    "let_be",
    "local_day",
    "look_again",
    "mail_context",
    "pause",
    "replan",
    "simulate",
    "soonest",
    "standing",
    "steps_ahead",
    "stop",
    "stopped",
    "switch_off",
    "what_is_next",
]
