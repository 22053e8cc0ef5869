"""URL converters for numbers."""

from werkzeug.routing import IntegerConverter, Map

LARGEST_ID = 2**63 - 1


class RowId(IntegerConverter):
    """A row's id; 404 for numbers beyond a BIGINT."""

    regex = "[0-9]{1,19}"  # Python refuses to parse very long integers

    def __init__(self, map: Map) -> None:
        super().__init__(map, min=1, max=LARGEST_ID)


class Number(IntegerConverter):
    """Any other number."""

    regex = "[0-9]{1,9}"
