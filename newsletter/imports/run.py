"""An import from its first byte to its report."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from newsletter import topics
from newsletter.db import Database
from newsletter.imports.address import BadRow
from newsletter.imports.person import Judge, Person
from newsletter.imports.report import Fate, Flaw, Report
from newsletter.imports.rows import Row
from newsletter.imports.source import Source
from newsletter.imports.standing import StandingJudge
from newsletter.imports.survey import rows_of, survey
from newsletter.imports.writing import Writer
from newsletter.subscribers import all_fields

BATCH = 2000
"""Rows in one transaction."""
Progress = Callable[[Report, int], None]
LeftOut = Callable[[Row, Flaw | Fate], None]
_BRINGS_NOBODY = (Fate.SUPPRESSED, Fate.NEVER_AGREED, Fate.STAYED)


def import_csv(database: Database, file: BinaryIO, basis: str, secrets: Sequence[bytes], now: datetime, *,
               name: str = "", dry_run: bool = False, progress: Progress = lambda report, octets: None,
               left_out: LeftOut = lambda row, why: None) -> Report:  # fmt: skip
    """Bring in the people of a CSV file, with `basis` as the readers' consent on record.

    The file is read twice: nothing is written before every status in it is known. Then batches are written, each all or
    nothing; who stops it between two of them can start again, and nobody is doubled. `secrets`: the product's keys, the
    present one first. `name`: the file's. `progress` is told before the first batch and behind each how far it is (the
    report so far, bytes read). `left_out` gets the rows that bring nobody. Raises BadFile: then nothing was written.
    """
    source = Source(file)
    with database.reading() as session:
        fields = all_fields(session)
        known = {one.name: one.id for one in topics.every(session)}
    plan = survey(source, name, fields)
    report = Report(plan.reading, dry_run)
    standing = StandingJudge(plan.columns, plan.asked)
    judge = Judge(
        columns=plan.columns,
        standing=standing,
        day_first=plan.day_first,
        otherwise=plan.otherwise,
        now=now,
        remark=report.remark,
        topics=known,
    )
    writer = Writer(database=database, basis=basis, secrets=secrets, now=now, dry_run=dry_run)
    rows = rows_of(source, plan.separator, plan.columns)
    progress(report, 0)
    while batch := list(islice(rows, BATCH)):
        good = _judged(batch, judge, report, left_out)
        fates = writer.write([person for _, person in good])
        for (row, _), fate in zip(good, fates, strict=True):
            report.fates[fate] += 1
            if fate in _BRINGS_NOBODY:
                left_out(row, fate)
        report.read += len(batch)
        report.last_line, report.tags = batch[-1].line, writer.tags_given
        progress(report, source.position)
    return report


def _judged(batch: Iterable[Row], judge: Judge, report: Report, left_out: LeftOut) -> list[tuple[Row, Person]]:
    good = []
    for row in batch:
        try:
            good.append((row, judge.person(row)))
        except BadRow as error:
            report.refuse(row.line, error.flaw)
            left_out(row, error.flaw)
    return good
