"""Runs an import from the file to its report; shared by the workers and the command."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import BinaryIO

from sqlalchemy.orm import Session

from newsletter import topics
from newsletter.db import Database
from newsletter.imports.address import BadRow
from newsletter.imports.ahead import ahead
from newsletter.imports.for_known import ForKnown
from newsletter.imports.header import rows_of
from newsletter.imports.mapping import Meaning
from newsletter.imports.person import Judge, Person
from newsletter.imports.record import Import
from newsletter.imports.report import Changed, Fate, Flaw, Reading, Remark, Report
from newsletter.imports.rows import Row
from newsletter.imports.source import Source
from newsletter.imports.standing import Standing, StandingJudge
from newsletter.imports.survey import Survey, survey
from newsletter.imports.writing import Writer
from newsletter.languages import Languages
from newsletter.subscribers import EVERY_TOPIC, TopicChoice, all_fields

BATCH = 5000
"""Rows per transaction."""
Progress = Callable[[Report, int], None]
LeftOut = tuple[Row, Flaw | Fate]
"""A row that imports nobody, and why."""
Keep = Callable[[Session, Report, int, Sequence[LeftOut]], None]
_BRINGS_NOBODY = (Fate.SUPPRESSED, Fate.NEVER_AGREED, Fate.STAYED)


@dataclass(frozen=True, slots=True)
class Order:
    """The options of an import. `basis`: recorded as the readers' consent. `name`: of the file. `meanings`: the
    column mapping, None: by the headings. `answers`: the standing of unknown statuses. `tags`: for everybody in the
    file who is or becomes a reader. `topics`: if no column says. `known`: what existing subscribers get. `sheet`,
    `hidden`: of the workbook the rows come from. `headed`: whether the first row is a header, None: guess."""

    basis: str
    name: str = ""
    meanings: Sequence[Meaning] | None = None
    answers: Mapping[str, Standing] = field(default_factory=dict)
    tags: Sequence[str] = ()
    topics: TopicChoice = EVERY_TOPIC
    known: ForKnown = ForKnown.FILL
    sheet: str = ""
    hidden: int = 0
    headed: bool | None = None

    @classmethod
    def of(cls, it: Import) -> "Order":
        """The options chosen on the page."""
        chosen = EVERY_TOPIC if it.topics is None else TopicChoice.of(it.topics)
        return cls(
            basis=it.basis, name=it.name, meanings=it.columns, answers=it.standings, tags=it.tags, topics=chosen,
            known=it.for_known, sheet=it.sheet, hidden=0 if it.visible_only else it.hidden, headed=it.headed,
        )  # fmt: skip

    def read(self, reading: Reading) -> Reading:
        """The reading, completed with what is known about the workbook."""
        return replace(reading, sheet=self.sheet, hidden=self.hidden)


@dataclass
class Run:
    """One run over a file. `secrets`: the secret keys, current one first. `import_id`: the import it is recorded
    under; None: a dry run, which writes nothing. `progress(report so far, octets read)` is called before the first
    batch and after each. `keep` gets the same within the batch's transaction, and its rows that import nobody; it is
    called again if the transaction is retried. `behind`: the report of an earlier run to continue."""

    database: Database
    order: Order
    secrets: Sequence[bytes]
    now: datetime
    import_id: int | None = None
    progress: Progress = lambda report, octets: None
    keep: Keep = lambda session, report, octets, left_out: None
    behind: Report | None = None
    languages: Languages = field(default_factory=Languages)

    def through(self, file: BinaryIO) -> Report:
        """Import the people in a CSV file.

        It is read twice: nothing is written until every status in it is understood. Each batch is one transaction; an
        interrupted run can be continued without duplicates. Raises BadFile before anything is written.
        """
        source, order = Source(file), self.order
        with self.database.reading() as session:
            fields = all_fields(session)
            known = {one.name: one.id for one in topics.every(session)}
        plan = survey(source, order.name, fields, meanings=order.meanings, answers=order.answers,
                      headed=order.headed)  # fmt: skip
        report = self.behind or Report(order.read(plan.reading), self.import_id is None)
        writer = Writer(
            database=self.database, basis=order.basis, secrets=self.secrets, now=self.now, import_id=self.import_id,
            tags=order.tags, tags_given=report.tags, known=order.known,
        )  # fmt: skip
        writer.end_all()
        rows = rows_of(source, plan.separator, plan.columns)
        remarks: list[tuple[int, Remark]] = []
        judge = self._judge(plan, known, remarks)
        judge.pass_over(islice(rows, report.read))
        self.progress(report, source.position if report.read else 0)
        batches = self._judged(rows, source, judge, remarks)
        # SQLite runs in this process, so a second thread would only compete for the GIL.
        with closing(batches if self.database.is_sqlite else ahead(batches)) as judged:
            for batch in judged:
                report = self._written(batch, writer, report)
                self.progress(report, batch.octets)
        return report

    def _judge(self, plan: Survey, known: Mapping[str, int], remarks: list[tuple[int, Remark]]) -> Judge:
        return Judge(
            columns=plan.columns, standing=StandingJudge(plan.columns, plan.asked, self.order.answers),
            day_first=plan.day_first, otherwise=plan.otherwise, now=self.now, topics=known,
            languages=self.languages,
            topics_unsaid=self.order.topics, remark=lambda line, remark: remarks.append((line, remark)),
        )  # fmt: skip

    def _judged(self, rows: Iterator[Row], source: Source, judge: Judge, remarks: list[tuple[int, Remark]]
                ) -> "Generator[Batch, None, None]":  # fmt: skip
        while taken := list(islice(rows, BATCH)):
            batch = Batch(rows=len(taken), last_line=taken[-1].line, octets=source.position)
            for row in taken:
                try:
                    batch.good.append((row, judge.person(row)))
                except BadRow as error:
                    batch.refused.append((row, error.flaw))
            batch.remarks, remarks[:] = tuple(remarks), ()
            yield batch

    def _written(self, batch: "Batch", writer: Writer, report: Report) -> Report:
        """Write a batch; returns the report that includes it."""
        behind = report
        for row, flaw in batch.refused:
            report.refuse(row.line, flaw)
        for line, remark in batch.remarks:
            report.remark(line, remark)

        def settle(session: Session, fates: list[Fate], tags: int, changed: Changed) -> None:
            nonlocal behind
            told = zip(batch.good, fates, strict=True)
            kept_out = [(row, fate) for (row, _), fate in told if fate in _BRINGS_NOBODY]
            behind = report.with_fates(fates, rows=batch.rows, last_line=batch.last_line, tags=tags,
                                       changed=changed)  # fmt: skip
            left_out: list[LeftOut] = [*batch.refused, *kept_out]
            self.keep(session, behind, batch.octets, sorted(left_out, key=lambda one: one[0].line))

        writer.write([person for _, person in batch.good], settle)
        return behind


@dataclass
class Batch:
    """Parsed rows: the people, the refused rows, remarks about the others, and the position reached in the file."""

    rows: int
    last_line: int
    octets: int
    good: list[tuple[Row, Person]] = field(default_factory=list)
    refused: list[tuple[Row, Flaw]] = field(default_factory=list)
    remarks: Sequence[tuple[int, Remark]] = ()
