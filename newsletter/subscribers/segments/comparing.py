"""How a rule may compare what an own field holds."""

from enum import StrEnum

from newsletter.subscribers.merge_field import FieldKind


class Compare(StrEnum):
    """How what a field holds is compared."""

    IS = "is"
    IS_NOT = "is-not"
    """Holds something else, or nothing."""
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
"""What may be asked of which kind of field."""
