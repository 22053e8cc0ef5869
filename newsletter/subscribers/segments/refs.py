"""Ref: what a segment's rules can refer to, and an owner can delete."""

from dataclasses import dataclass
from enum import StrEnum

from newsletter.subscribers.merge_field import FieldKind


class What(StrEnum):
    """The kind of thing a rule refers to."""

    TAG = "tag"
    GUIDE = "guide"
    FORM = "form"
    FIELD = "field"
    CAMPAIGN = "campaign"
    TOPIC = "topic"
    SERIES = "series"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference: a tag's name, a guide's slug, a field's key, else an id."""

    what: What
    name: str | int
    type: FieldKind | None = None
    """A field's kind: a field recreated with another kind is a different one."""
