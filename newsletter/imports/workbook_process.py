"""The program that turns a sheet of a workbook (XLSX, XLS, ODS) into CSV, in a process of its own.

A workbook is untrusted: a few kilobytes may unpack to gigabytes, and one cell in its last corner makes a reader ask for
all the memory there is. So this process sets itself limits first, and when it dies nothing else does. It knows nothing
of the product and is run by its path: `python workbook_process.py sheets FILE`, or `rows FILE OUT SHEET [visible]`. It
prints one line of JSON.
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
"""Octets of address space. A list of half a million people with ten columns takes half of it."""
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
    """The file cannot be read; its first argument is a code that `workbook` puts into words."""


def limit() -> None:
    """What this process may take, of memory, time and disk."""
    limits = {
        resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: SECONDS, resource.RLIMIT_FSIZE: LARGEST_OUT,
        resource.RLIMIT_CORE: 0,
    }  # fmt: skip
    for what, most in limits.items():
        with suppress(ValueError, OSError):  # a system that does not know it, or is stricter already
            resource.setrlimit(what, (most, most))


def opened(path: Path) -> python_calamine.CalamineWorkbook:
    """The workbook. Raises Unusable."""
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    if packed:
        _check_parts(path)
    elif "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise Unusable("password")
    try:
        with path.open("rb") as file:  # by its content: the name that a browser sent tells nothing
            return python_calamine.CalamineWorkbook.from_filelike(cast(Any, file))
    except python_calamine.PasswordError:
        raise Unusable("password") from None
    except python_calamine.CalamineError:
        raise Unusable("broken") from None


def _check_parts(path: Path) -> None:
    """Whether it is a workbook, and unpacks to a size that can be read."""
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
    """The sheets that can hold rows, in their order, and which of them are hidden."""
    kinds, visible = python_calamine.SheetTypeEnum, python_calamine.SheetVisibleEnum
    return [
        {"name": one.name, "hidden": one.visible != visible.Visible}
        for one in book.sheets_metadata
        if one.typ == kinds.WorkSheet
    ]


def write_rows(path: Path, out: Path, name: str, *, visible_only: bool) -> dict[str, int]:
    """Write a sheet as CSV, each row on the line of its number, and tell how many rows it has and hides."""
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
    """A cell as an export of CSV would hold it; a whole number (a telephone's) without “.0” and never as 4.4E+11."""
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
    """The numbers of an XLSX sheet's rows that a filter hides; calamine reads them like the others."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_part_of(archive, name)) as sheet:
            return frozenset(_hidden_in(sheet))
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError, zlib.error):
        return frozenset()


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """Where a sheet's XML stands in the archive. Raises KeyError."""
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
    """What is asked for, or {"error": its code}."""
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
