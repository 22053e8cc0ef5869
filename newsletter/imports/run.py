"""An import from its first byte to its report: what the page's workers and the command have in common."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from sqlalchemy.orm import Session

from newsletter import topics
from newsletter.db import Database
from newsletter.imports.address import BadRow
from newsletter.imports.header import rows_of
from newsletter.imports.mapping import Meaning
from newsletter.imports.person import Judge, Person
from newsletter.imports.record import Import
from newsletter.imports.report import Fate, Flaw, Reading, Report
from newsletter.imports.rows import Row
from newsletter.imports.source import Source
from newsletter.imports.standing import Standing, StandingJudge
from newsletter.imports.survey import survey
from newsletter.imports.writing import Writer
from newsletter.subscribers import EVERY_TOPIC, TopicChoice, all_fields

BATCH = 2000
"""Rows in one transaction."""
Progress = Callable[[Report, int], None]
LeftOut = tuple[Row, Flaw | Fate]
"""A row that brings nobody, and why."""
Keep = Callable[[Session, Report, int, Sequence[LeftOut]], None]
_BRINGS_NOBODY = (Fate.SUPPRESSED, Fate.NEVER_AGREED, Fate.STAYED)


@dataclass(frozen=True, slots=True)
class Order:
    """What an import is to do. `basis`: the readers' consent on record. `name`: the file's. `meanings`: what each
    column is, None: by the headings. `answers`: what the owner says of statuses that are not known here. `tags`: for
    everybody in the file who is a reader, or becomes one. `topics`: those that people take where no column says it.
    `sheet`, `hidden`: of the workbook that the rows are from."""

    basis: str
    name: str = ""
    meanings: Sequence[Meaning] | None = None
    answers: Mapping[str, Standing] = field(default_factory=dict)
    tags: Sequence[str] = ()
    topics: TopicChoice = EVERY_TOPIC
    sheet: str = ""
    hidden: int = 0

    @classmethod
    def of(cls, it: Import) -> "Order":
        """What its owner has said on the page."""
        chosen = EVERY_TOPIC if it.topics is None else TopicChoice.of(it.topics)
        return cls(
            basis=it.basis, name=it.name, meanings=it.columns, answers=it.standings, tags=it.tags, topics=chosen,
            sheet=it.sheet, hidden=0 if it.visible_only else it.hidden,
        )  # fmt: skip

    def read(self, reading: Reading) -> Reading:
        """How the file was read, with what is known of its workbook."""
        return replace(reading, sheet=self.sheet, hidden=self.hidden)


@dataclass
class Run:
    """One run over a file. `secrets`: the product's keys, the present one first. `import_id`: as which import it is
    noted; None: a dry run, which writes nothing. `progress` is told before the first batch and behind each how far it
    is (the report so far, octets read); `keep` the same within the batch's transaction, with the rows of it that bring
    nobody: it may be told twice of one batch, when the database broke it off in between. `behind`: how far an earlier
    run has come."""

    database: Database
    order: Order
    secrets: Sequence[bytes]
    now: datetime
    import_id: int | None = None
    progress: Progress = lambda report, octets: None
    keep: Keep = lambda session, report, octets, left_out: None
    behind: Report | None = None

    def through(self, file: BinaryIO) -> Report:
        """Bring in the people of a CSV file.

        It is read twice: nothing is written before every status in it is known. Then batches are written, each all or
        nothing; who stops it between two of them can go on, and nobody is doubled. Raises BadFile: then nothing was
        written.
        """
        source, order = Source(file), self.order
        with self.database.reading() as session:
            fields = all_fields(session)
            known = {one.name: one.id for one in topics.every(session)}
        plan = survey(source, order.name, fields, meanings=order.meanings, answers=order.answers)
        report = self.behind or Report(order.read(plan.reading), self.import_id is None)
        judge = Judge(
            columns=plan.columns, standing=StandingJudge(plan.columns, plan.asked, order.answers),
            day_first=plan.day_first, otherwise=plan.otherwise, now=self.now, remark=report.remark, topics=known,
            topics_unsaid=order.topics,
        )  # fmt: skip
        writer = Writer(
            database=self.database, basis=order.basis, secrets=self.secrets, now=self.now, import_id=self.import_id,
            tags=order.tags, tags_given=report.tags,
        )  # fmt: skip
        writer.end_all()
        rows = rows_of(source, plan.separator, plan.columns)
        next(islice(rows, report.read, report.read), None)
        self.progress(report, source.position if report.read else 0)
        while batch := list(islice(rows, BATCH)):
            report = self._written(batch, judge, writer, report, source.position)
            self.progress(report, source.position)
        return report

    def _written(self, batch: Sequence[Row], judge: Judge, writer: Writer, report: Report, octets: int) -> Report:
        """The report behind one more batch; its lists are the ones that the judge's remarks go to."""
        good, refused = _judged(batch, judge, report)
        behind = report

        def settle(session: Session, fates: list[Fate], tags: int) -> None:
            nonlocal behind
            kept_out = [(row, fate) for (row, _), fate in zip(good, fates, strict=True) if fate in _BRINGS_NOBODY]
            behind = report.with_fates(fates, rows=len(batch), last_line=batch[-1].line, tags=tags)
            left_out = sorted([*refused, *kept_out], key=lambda one: one[0].line)
            self.keep(session, behind, octets, left_out)

        writer.write([person for _, person in good], settle)
        return behind


def _judged(batch: Iterable[Row], judge: Judge, report: Report) -> tuple[list[tuple[Row, Person]], list[LeftOut]]:
    good: list[tuple[Row, Person]] = []
    refused: list[LeftOut] = []
    for row in batch:
        try:
            good.append((row, judge.person(row)))
        except BadRow as error:
            report.refuse(row.line, error.flaw)
            refused.append((row, error.flaw))
    return good, refused
