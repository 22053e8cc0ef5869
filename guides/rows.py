"""The heads of rows in a built PDF: Typst tags the heads of columns as headers, and no others.

The first cell of each row of a table's body becomes a header of its row (ISO 32000-1, 14.8.5.7). The cells
beside it no longer list their headers one by one: a reader finds both from where the headers stand and what
they are for. The changed elements are appended, so that all else keeps its bytes.
"""

import io
from collections.abc import Iterator
from typing import Any

import pypdf
from pypdf.generic import ArrayObject, DictionaryObject, NameObject


def with_row_headers(pdf: bytes) -> bytes:
    """Return the PDF with a header in front of each row of its tables; those of one row alone stay as they are."""
    writer = pypdf.PdfWriter(io.BytesIO(pdf), incremental=True)
    for body in bodies(writer.root_object["/StructTreeRoot"]):
        rows = children(body)
        if len(rows) < 2:
            continue
        for first, *others in map(children, rows):
            first[NameObject("/S")] = NameObject("/TH")
            of_table(first)[NameObject("/Scope")] = NameObject("/Row")
            for cell in (first, *others):
                of_table(cell).pop("/Headers", None)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def children(element: Any) -> list[Any]:
    """Return the elements right below one of a PDF's tag tree."""
    below = element.get("/K", ArrayObject())
    below = below.get_object() if hasattr(below, "get_object") else below
    every = below if isinstance(below, ArrayObject) else [below]
    return [one for one in (part.get_object() for part in every) if isinstance(one, DictionaryObject) and "/S" in one]


def bodies(element: Any) -> Iterator[Any]:
    """Yield every table's body below an element, in the order of reading."""
    for one in children(element):
        if one["/S"] == "/TBody":
            yield one
        yield from bodies(one)


def of_table(cell: Any) -> Any:
    """Return a cell's attributes of the owner Table; empty ones are made where there are none."""
    given = cell.get("/A", ArrayObject())
    given = given.get_object()
    every = given if isinstance(given, ArrayObject) else ArrayObject([given])
    for one in every:
        if one.get_object()["/O"] == "/Table":
            return one.get_object()
    made = DictionaryObject({NameObject("/O"): NameObject("/Table")})
    cell[NameObject("/A")] = ArrayObject([*every, made])
    return made
