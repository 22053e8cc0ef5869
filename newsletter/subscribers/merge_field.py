"""Merge fields: what is held of a reader and may be named in a mail. One registry: built in, and the owner's own.

Texts, claims, previews and the preflight know a reader by these names alone. An own field is a row (`field.Field`); in
a mail it goes by `fields.` and its key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from newsletter.languages import marked


class FieldKind(StrEnum):
    """What a field holds, and so how a value is checked, asked for and compared."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"


OWN = "fields."
"""Before the key of an owner's own field, in a mail: `fields.city`. So it never meets a name of the product's."""
FIRST_NAME = "first_name"
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class MergeField:
    """One field by the name that a mail knows it by. `id`: its row, for an owner's own; 0 for what is built in."""

    name: str
    means: str
    kind: FieldKind = FieldKind.TEXT
    fallback: str = ""
    """What a mail says to a reader of whom no value is held."""
    id: int = 0


BUILT_IN = (MergeField(FIRST_NAME, marked("the first name; empty where none is known")),)
"""Columns of Subscriber. The To line of every mail to a reader needs the first name, whatever the text says."""


Fields = Mapping[str, str]
"""Values by the name that a mail knows them by. A name that is not there has no value."""
