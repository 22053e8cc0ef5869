"""Program that converts a sheet of a workbook (XLSX, XLS, ODS) to CSV, in a separate process.

Workbooks are untrusted: a few kilobytes may unpack to gigabytes, and one cell in the last corner makes a parser request
all memory. So this process first limits its own resources, and nothing else dies with it. It imports nothing of ours
and is run by path: `python workbook_process.py sheets FILE`, or `rows FILE OUT SHEET [visible]`. It prints one line of
JSON.
"""

import csv
import errno
import json
import re
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any, cast
from xml.etree import ElementTree

import python_calamine

MEMORY = 1 << 30
"""Octets of address space; half a million rows of ten columns need half of it."""
SECONDS = 60
"""Of processor time."""
LARGEST_OUT = 256 << 20
MOST_UNPACKED = 512 << 20
MOST_PARTS = 10_000
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_NUMBER, _HIDDEN = re.compile(rb'\br="(\d+)"'), re.compile(rb'\bhidden="(?:1|true)"')
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_WENT_WRONG = {errno.EFBIG: "too large", errno.ENOSPC: "no room", errno.EDQUOT: "no room"}
_BREAKS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


class Unusable(Exception):
    """The file cannot be read; the argument is a code for which `workbook` has the message."""


def limit() -> None:
    """Limit this process's memory, processor time and file size."""
    limits = {
        resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: SECONDS, resource.RLIMIT_FSIZE: LARGEST_OUT,
        resource.RLIMIT_CORE: 0,
    }  # fmt: skip
    for what, most in limits.items():
        with suppress(ValueError, OSError):  # unsupported here, or already stricter
            resource.setrlimit(what, (most, most))


def opened(path: Path) -> python_calamine.CalamineWorkbook:
    """Open the workbook. Raises Unusable."""
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed:
        _check_parts(path)
    elif "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise Unusable("password")
    try:
        with path.open("rb") as file:  # as a file object: detects the format by content, not by the name
            return python_calamine.CalamineWorkbook.from_filelike(cast(Any, file))
    except python_calamine.PasswordError:
        raise Unusable("password") from None
    except python_calamine.CalamineError:
        raise Unusable("broken") from None


def _check_parts(path: Path) -> None:
    """Raise Unusable unless the archive is a workbook that unpacks to an acceptable size."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            names = {part.filename for part in parts}
            if not names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
                raise Unusable("no workbook")
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
                raise Unusable("too large")
            if "META-INF/manifest.xml" in names and b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise Unusable("password")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise Unusable("broken") from None


def sheets(book: python_calamine.CalamineWorkbook) -> list[dict[str, Any]]:
    """Name and visibility of each worksheet, in order."""
    kinds, visible = python_calamine.SheetTypeEnum, python_calamine.SheetVisibleEnum
    return [
        {"name": one.name, "hidden": one.visible != visible.Visible}
        for one in book.sheets_metadata
        if one.typ == kinds.WorkSheet
    ]


def write_rows(path: Path, out: Path, name: str, *, visible_only: bool) -> dict[str, int]:
    """Write a sheet as CSV, each row on the line of its number; returns the counts for `SheetRows`."""
    book = opened(path)
    try:
        sheet = book.get_sheet_by_name(name)
    except python_calamine.WorksheetNotFound:
        raise Unusable("broken" if name in book.sheet_names else "no sheet") from None
    except python_calamine.CalamineError:
        raise Unusable("broken") from None
    hidden = hidden_rows(path, name)
    rows = seen = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for number, cells in enumerate(sheet.iter_rows(), 1):
            texts = [as_text(cell) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            if texts and number in hidden:
                seen += 1
                if visible_only:
                    texts = []
            rows += bool(texts)
            writer.writerow(texts)
    return {"rows": rows, "hidden": seen}


def as_text(cell: Any) -> str:
    """A cell's text as in a CSV export; whole numbers (telephones) without “.0” and never as 4.4E+11."""
    if isinstance(cell, str):
        return _BREAKS.sub(" ", cell) if not cell.isprintable() else cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def hidden_rows(path: Path, name: str) -> frozenset[int]:
    """Numbers of the rows that a filter hides in an XLSX sheet, which calamine does not tell."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part_of(archive, name)) as sheet:
            return frozenset(_hidden_in(sheet))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, zlib.error):
        return frozenset()


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """The archive path of a sheet's XML. Raises KeyError."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - limited, and expat expands no bombs
    ids = {one.get("name"): one.get(_R) for one in book.iter() if one.tag.endswith("}sheet")}
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {one.get("Id"): one.get("Target") or "" for one in links}
    target = targets[ids[name]]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _hidden_in(sheet: IO[bytes]) -> Iterator[int]:
    kept, place = b"", 0
    while piece := sheet.read(1 << 20):
        kept += piece
        end = 0
        for tag in _ROW.finditer(kept):
            end = tag.end()
            number = _NUMBER.search(tag[0])
            place = int(number[1]) if number else place + 1
            if _HIDDEN.search(tag[0]):
                yield place
        kept = kept[max(end, len(kept) - 4096) :]


def main(mode: str, file: str, *more: str) -> object:
    """Run one command; returns its answer, or {"error": code}."""
    try:
        if mode == "sheets":
            return {"sheets": sheets(opened(Path(file)))}
        out, name, *visible = more
        return write_rows(Path(file), Path(out), name, visible_only=bool(visible))
    except Unusable as error:
        return {"error": str(error)}
    except (MemoryError, OverflowError):
        return {"error": "too large"}
    except OSError as error:
        return {"error": _WENT_WRONG.get(error.errno or 0, "broken")}


if __name__ == "__main__":
    limit()
    print(json.dumps(main(*sys.argv[1:])))
