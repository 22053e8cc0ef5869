"""Merge fields: subscriber data that mails may contain, both built-in and the owner's custom fields.

Texts, claims, previews and the preflight use only these names. A custom field (`field.Field`) is called `fields.` plus
its key in mails.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from newsletter.languages import marked


class FieldKind(StrEnum):
    """A field's type: decides how values are validated, entered and compared."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"


OWN = "fields."
"""Prefix of a custom field's key in mails (`fields.city`), so that it cannot clash with our own names."""
FIRST_NAME = "first_name"
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class MergeField:
    """One merge field under its name in mails. `id`: of the custom field; 0 for built-in ones."""

    name: str
    means: str
    kind: FieldKind = FieldKind.TEXT
    fallback: str = ""
    """Used for subscribers without a value."""
    id: int = 0


BUILT_IN = (MergeField(FIRST_NAME, marked("the first name; empty where none is known")),)
"""Columns of Subscriber. Every mail needs the first name for its To header, even if the text does not."""


Fields = Mapping[str, str]
"""Values by merge field name; a missing name has no value."""
