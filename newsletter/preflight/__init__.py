"""Preflight: everything checked or reported before a mail goes to many people."""

from newsletter.preflight.ab_test import check_ab_test
from newsletter.preflight.campaign import check_campaign
from newsletter.preflight.check import Check, Level, Mend, NotFit, Report, told
from newsletter.preflight.field_uses import FieldUses, field_uses, values_held
from newsletter.preflight.look import HEAVIEST, check, check_time, check_words
from newsletter.preflight.sent_as import SentAs
from newsletter.preflight.stored import unfit
from newsletter.preflight.tested import print_of, tested

__all__ = [
    "HEAVIEST",
    "Check",
    "FieldUses",
    "Level",
    "Mend",
    "NotFit",
    "Report",
    "SentAs",
    "check",
    "check_ab_test",
    "check_campaign",
    "check_time",
    "check_words",
    "field_uses",
    "print_of",
    "tested",
    "told",
    "unfit",
    "values_held",
]
