"""How rules compare the values of custom fields."""

from enum import StrEnum

from newsletter.subscribers.merge_field import FieldKind


class Compare(StrEnum):
    """A comparison with a field's value."""

    IS = "is"
    IS_NOT = "is-not"
    """Has another value, or none."""
    CONTAINS = "contains"
    MORE = "more"
    LESS = "less"
    FILLED = "filled"


COMPARABLE = {
    FieldKind.TEXT: (Compare.IS, Compare.IS_NOT, Compare.CONTAINS, Compare.FILLED),
    FieldKind.NUMBER: (Compare.IS, Compare.IS_NOT, Compare.MORE, Compare.LESS, Compare.FILLED),
    FieldKind.DATE: (Compare.IS, Compare.IS_NOT, Compare.MORE, Compare.LESS, Compare.FILLED),
    FieldKind.CHOICE: (Compare.IS, Compare.IS_NOT, Compare.FILLED),
    FieldKind.YES_NO: (Compare.IS, Compare.FILLED),
}
"""The comparisons allowed for each kind of field."""
