"""Workbooks (XLSX, XLS, ODS): lists the sheets and converts one to the CSV that everything else reads.

The parsing happens in `workbook_process`, which may crash on hostile input; this module reports that.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsletter.imports.report import BadFile
from newsletter.languages import said

_PROCESS = Path(__file__).with_name("workbook_process.py")
_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
PATIENCE = 120.0
"""Seconds; generous, since the process limits itself to half as much processor time."""
_SAID = {
    "password": said("This workbook is locked with a password. Save a copy without one, and choose that."),
    "no workbook": said("This is an archive (ZIP), and no workbook. Unpack it, and choose the CSV or XLSX file in it."),
    "broken": said(
        "This workbook is damaged, or no XLSX, XLS or ODS file. Open it in your spreadsheet program. Save it as CSV "
        "(UTF-8) in your spreadsheet program and choose that file."
    ),
    "too large": said(
        "This workbook is too large to be read: it unpacks to more than memory should hold. Save it as CSV (UTF-8) in "
        "your spreadsheet program and choose that file."
    ),
    "no room": said("The server's disk is full, so this workbook cannot be read. Make room, and choose it again."),
    "no sheet": said("The workbook has no sheet of this name any more. Choose another one."),
}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook. `hidden`: not visible in the spreadsheet program."""

    name: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class SheetRows:
    """The non-empty rows of a sheet, and how many of them a filter hides."""

    rows: int
    hidden: int = 0


def is_workbook(head: bytes) -> bool:
    """Whether a file's first octets are a workbook's or another archive's; in any case it is not CSV."""
    return head.startswith(_MAGIC)


def sheets_of(path: Path) -> list[Sheet]:
    """The sheets of a workbook. Raises BadFile."""
    found = [Sheet(one["name"], one["hidden"]) for one in _asked("sheets", str(path))["sheets"]]
    if not found:
        raise BadFile(said("This workbook has no sheet with rows in it."))
    return found


def to_csv(path: Path, out: Path, sheet: str, *, visible_only: bool = False) -> SheetRows:
    """Write a sheet as CSV (UTF-8, commas) with line numbers equal to row numbers. Raises BadFile.

    Formulas become their last computed values. `visible_only`: leave out rows that a filter hides.
    """
    written = SheetRows(**_asked("rows", str(path), str(out), sheet, *(["visible"] if visible_only else [])))
    if not written.rows:
        raise BadFile(said("The sheet “%(sheet)s” is empty. Choose another one.", sheet=sheet))
    return written


def the_sheet(sheets: list[Sheet], named: str = "") -> Sheet:
    """The named sheet, or the only visible one. Raises BadFile, which lists the sheets."""
    shown = [one for one in sheets if not one.hidden] or sheets
    if named:
        fits = [one for one in sheets if one.name == named]
    else:
        fits = shown if len(shown) == 1 else []
    if fits:
        return fits[0]
    listed = ", ".join(f"“{one.name}”" for one in shown[:20])
    raise BadFile(
        said("There is no sheet “%(named)s” in this workbook. It has %(sheets)s.", named=named, sheets=listed) if named
        else said("This workbook has %(count)s sheets: %(sheets)s. Say which one holds the people.",
                  count=len(shown), sheets=listed)
    )  # fmt: skip


def _asked(*words: str) -> dict[str, Any]:
    """Run the process and return its answer. Raises BadFile if it cannot read the file or crashes."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_PROCESS), *words], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=PATIENCE, check=False, env={"PATH": "", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise BadFile(_SAID["too large"]) from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        # Killed by a resource limit (a signal), or the parser crashed (a traceback).
        raise BadFile(_SAID["too large" if done.returncode < 0 else "broken"]) from None
    if "error" in answer:
        raise BadFile(_SAID[answer["error"]])
    return dict(answer)
