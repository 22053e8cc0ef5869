"""Numbers in addresses."""

from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**63 - 1


class RowId(IntegerConverter):
    """The number of a row in an address; one that no database column can hold is a page that does not exist."""

    regex = "[0-9]{1,19}"  # more of them are no number of ours, and Python refuses to read some thousands

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=LARGEST_ID)


class Number(IntegerConverter):
    """Any other number in an address."""

    regex = "[0-9]{1,9}"
