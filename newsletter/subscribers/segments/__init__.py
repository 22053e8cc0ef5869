"""Segments by rules: the rules (`rules`), as JSON (`reading`), as SQL (`condition`), as a sentence (`telling`)."""

from newsletter.subscribers.segments.condition import condition
from newsletter.subscribers.segments.named import Named, look_up
from newsletter.subscribers.segments.reading import BadRules, as_json, read, read_text
from newsletter.subscribers.segments.refs import What
from newsletter.subscribers.segments.rules import DatedRules, Group, How, Rules
from newsletter.subscribers.segments.saved import (
    BadSegment,
    SavedSegment,
    copy,
    every,
    named,
    naming,
    save,
    stored_rules,
)
from newsletter.subscribers.segments.telling import sentence

__all__ = [
    "BadRules",
    "BadSegment",
    "DatedRules",
    "Group",
    "How",
    "Named",
    "Rules",
    "SavedSegment",
    "What",
    "as_json",
    "condition",
    "copy",
    "every",
    "look_up",
    "named",
    "naming",
    "read",
    "read_text",
    "save",
    "sentence",
    "stored_rules",
]
