"""Preflight: one home for what must be right, and what is told, before a mail goes to many people."""

from newsletter.preflight.check import Check, Level, NotFit, Report, told
from newsletter.preflight.look import check, check_time, check_words
from newsletter.preflight.stored import unfit

__all__ = ["Check", "Level", "NotFit", "Report", "check", "check_time", "check_words", "told", "unfit"]
