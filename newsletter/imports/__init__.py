"""Imports: people out of the CSV files and workbooks of other programs, and of our own.

A sheet becomes CSV (`workbook`, in a process of its own), the bytes lines (`source`), the lines rows (`rows`), the
header columns (`header`, `columns`, `mapping`), and a first reading checks it all (`survey`). Then each row is judged
(`person`, `standing`, `address`, `dates`), its fate is decided (`fate`) and written (`run`, `writing`). `sentences`
tells people about it. An `Import` is the row of it all (`record`): a worker goes on with it (`work`), or the command at
once (`direct`), and it can be taken back (`undo`).
"""

from newsletter.imports.direct import import_csv
from newsletter.imports.errors import ErrorsFile
from newsletter.imports.export import COLUMNS, export_csv
from newsletter.imports.forgetting import forget_mentions, forget_old
from newsletter.imports.imported_person import ImportedPerson
from newsletter.imports.lease import hold_back, is_waiting
from newsletter.imports.record import Import, ImportState, NotNow
from newsletter.imports.report import BadFile, Fate, Flaw, Report
from newsletter.imports.work import SLICE, Work

__all__ = [
    "COLUMNS",
    "SLICE",
    "BadFile",
    "ErrorsFile",
    "Fate",
    "Flaw",
    "Import",
    "ImportState",
    "ImportedPerson",
    "NotNow",
    "Report",
    "Work",
    "export_csv",
    "forget_mentions",
    "forget_old",
    "hold_back",
    "import_csv",
    "is_waiting",
]
