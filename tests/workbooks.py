"""Workbooks as other programs write them, made by hand: XLSX (ECMA-376) of a few sheets."""

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs>'
    "</styleSheet>"
)
Cell = str | float | bool | None | tuple[str, str]
"""Text, a number, or what stands in the sheet word for word: (attributes, inner XML)."""


def day(serial: float) -> Cell:
    """A day, by its number since 1900: 45355 is 4 March 2024."""
    return 's="1"', f"<v>{serial}</v>"


def moment(serial: float) -> Cell:
    """The same with a time."""
    return 's="2"', f"<v>{serial}</v>"


def formula(text: str, value: str) -> Cell:
    """A formula, with the value that it had last."""
    return 't="str"', f"<f>{escape(text)}</f><v>{escape(value)}</v>"


def xlsx(sheets: Mapping[str, Sequence[Sequence[Cell]]], *, hidden_rows: Collection[int] = (),
         hidden_sheets: Collection[str] = (), more: Mapping[str, bytes] = {}) -> bytes:  # fmt: skip
    """A workbook of these sheets. `hidden_rows`: numbers of rows that a filter hides, in each. `more`: other parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _links({"rId1": ("officeDocument", "xl/workbook.xml")}))
        named = {f"rId{number}": name for number, name in enumerate(sheets, 1)}
        parts = {id: ("worksheet", f"worksheets/sheet{id[3:]}.xml") for id in named}
        archive.writestr("xl/_rels/workbook.xml.rels", _links({**parts, "rId900": ("styles", "styles.xml")}))
        archive.writestr("xl/workbook.xml", _book(named, hidden_sheets))
        archive.writestr("xl/styles.xml", _STYLES)
        for id, name in named.items():
            archive.writestr(f"xl/worksheets/sheet{id[3:]}.xml", _sheet(sheets[name], hidden_rows))
        for path, content in more.items():
            archive.writestr(path, content)
    return out.getvalue()


def _links(links: Mapping[str, tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{id}" Type="{_OFFICE}/{kind}" Target="{target}"/>' for id, (kind, target) in links.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}">{listed}</Relationships>'


def _book(named: Mapping[str, str], hidden: Collection[str]) -> str:
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{id[3:]}" r:id="{id}"{_if(name in hidden, " state", "hidden")}/>'
        for id, name in named.items()
    )
    return f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'


def _sheet(rows: Sequence[Sequence[Cell]], hidden: Collection[int]) -> str:
    listed = "".join(
        f'<row r="{number}"{_if(number in hidden, " hidden", "1")}>{_cells(number, row)}</row>'
        for number, row in enumerate(rows, 1)
        if row
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{listed}</sheetData></worksheet>'


def _if(true: bool, name: str, value: str) -> str:
    return f'{name}="{value}"' if true else ""


def _cells(number: int, row: Sequence[Cell]) -> str:
    return "".join(_cell(f"{_letters(place)}{number}", cell) for place, cell in enumerate(row) if cell is not None)


def _letters(place: int) -> str:
    return ("" if place < 26 else _letters(place // 26 - 1)) + chr(65 + place % 26)


def _cell(where: str, cell: Cell) -> str:
    if isinstance(cell, tuple):
        return f'<c r="{where}" {cell[0]}>{cell[1]}</c>'
    if isinstance(cell, bool):
        return f'<c r="{where}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, int | float):
        return f'<c r="{where}"><v>{cell}</v></c>'
    return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{escape(cell or "")}</t></is></c>'
