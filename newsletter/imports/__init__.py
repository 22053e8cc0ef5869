"""Imports: subscribers from CSV files and workbooks, our own or exported by other programs.

A sheet becomes CSV (`workbook`, in a separate process), bytes become lines (`source`), lines rows (`rows`), the header
columns (`header`, `columns`, `mapping`), and a first pass validates it all (`survey`). Then each row is parsed
(`person`, `standing`, `address`, `dates`), its fate decided (`fate`) and written (`run`, `writing`). `sentences` words
the results. The `Import` row (`record`) is processed by a worker (`work`) or at once by the command (`direct`), and can
be undone (`undo`).
"""

from newsletter.imports.direct import import_csv
from newsletter.imports.errors import ErrorsFile
from newsletter.imports.export import COLUMNS, csv_pieces, export_csv
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
    "csv_pieces",
    "export_csv",
    "forget_mentions",
    "forget_old",
    "hold_back",
    "import_csv",
    "is_waiting",
]
