"""Imports: people out of the CSV files of other programs, and of our own.

The bytes become lines (`source`), the lines rows (`rows`), the header columns (`columns`), and a first reading checks
it all (`survey`). Then each row is judged (`person`, `standing`, `address`, `dates`), its fate is decided (`fate`) and
written (`writing`). `sentences` tells people about it.
"""

from newsletter.imports.errors import ErrorsFile
from newsletter.imports.export import COLUMNS, export_csv
from newsletter.imports.report import BadFile, Fate, Flaw, Report
from newsletter.imports.run import import_csv

__all__ = ["COLUMNS", "BadFile", "ErrorsFile", "Fate", "Flaw", "Report", "export_csv", "import_csv"]
