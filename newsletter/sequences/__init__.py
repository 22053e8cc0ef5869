"""Sequences: a series of articles that follows a guide, step by step, with delays."""

from newsletter.sequences.advance import advance_due
from newsletter.sequences.delay import Delay, Unit, due_after
from newsletter.sequences.enrollment import Course, Enrollment, enroll, replan, stop
from newsletter.sequences.sequence import Sequence, Step
from newsletter.sequences.simulate import Planned, simulate, what_is_next

__all__ = [
    "Course",
    "Delay",
    "Enrollment",
    "Planned",
    "Sequence",
    "Step",
    "Unit",
    "advance_due",
    "due_after",
    "enroll",
    "replan",
    "simulate",
    "stop",
    "what_is_next",
]
