"""What rules of a segment may name: things that an owner makes, and may take away again."""

from dataclasses import dataclass
from enum import StrEnum

from newsletter.subscribers.merge_field import FieldKind


class What(StrEnum):
    """What a rule may name, and an owner may delete."""

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
    """The name of one such thing: a tag's name, a guide's slug, a field's key, a number of what else."""

    what: What
    name: str | int
    type: FieldKind | None = None
    """Of a field: one that was made anew with another kind is another field."""
