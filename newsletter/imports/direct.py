"""An import in one go, by the process that was given the file: the command's."""

import secrets as random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import delete
from sqlalchemy.orm import Session

from newsletter.db import Database
from newsletter.imports.errors import ErrorsFile
from newsletter.imports.fields_made import make_fields
from newsletter.imports.for_known import ForKnown
from newsletter.imports.lease import renew
from newsletter.imports.record import Import, ImportState, begin
from newsletter.imports.report import Report
from newsletter.imports.run import LeftOut, Order, Progress, Run
from newsletter.imports.undo import forget_fields


def import_csv(database: Database, file: BinaryIO, basis: str, secrets: Sequence[bytes], now: datetime, *,
               name: str = "", dry_run: bool = False, progress: Progress = lambda report, octets: None,
               errors: ErrorsFile | None = None, order: Order | None = None,
               clock: Callable[[], datetime] | None = None) -> Report:  # fmt: skip
    """Bring in the people of a CSV file, with `basis` as the readers' consent on record.

    The file is read twice: nothing is written before every status in it is known. Then batches are written, each all or
    nothing; who stops it between two of them can start again, and nobody is doubled. `secrets`: the product's keys, the
    present one first. `name`: the file's. `progress` is told before the first batch and behind each how far it is (the
    report so far, octets read). `errors` gets the rows that bring nobody. `order`: what else is wanted. `clock` shows
    the time while it takes its time. Raises BadFile: then nothing was written.
    """
    order = replace(order or Order(basis=basis), basis=basis, name=name)
    run = Run(database=database, order=order, secrets=secrets, now=now, progress=progress)
    if dry_run:
        return _Direct(run=run, errors=errors, it=None, clock=clock or (lambda: now)).through(file)
    with database.transaction() as session:
        # Not under way before the first batch: who reads a long file has no lease to renew meanwhile.
        it = begin(session, name, now, ImportState.STOPPED)
        it.basis, it.started_at, it.lease_token = order.basis[:1000], now, random.token_hex(16)
        it.fills_known, it.overwrites_known = order.known is not ForKnown.LEAVE, order.known is ForKnown.OVERWRITE
        if order.meanings is not None:
            meanings, it.fields_made = make_fields(session, order.meanings, now)
            it.meanings, order = [one.as_json() for one in meanings], replace(order, meanings=meanings)
    run.order, run.import_id = order, it.id
    return _Direct(run=run, errors=errors, it=it, clock=clock or (lambda: now)).through(file)


class Stopped(Exception):
    """An owner has stopped it on its page."""


class _Direct:
    """A run by this process, as an import that the owner's pages list."""

    def __init__(self, run: Run, errors: ErrorsFile | None, it: Import | None, clock: Callable[[], datetime]) -> None:
        self._run, self._errors, self._it, self._clock = run, errors, it, clock
        self._progress, self._stands = run.progress, ImportState.RUNNING
        run.progress, run.keep = self._between, self._keep

    def through(self, file: BinaryIO) -> Report:
        """The report. What ends it early ends the import where it stands."""
        try:
            report = self._run.through(file)
        except BaseException:
            self._end(ImportState.STOPPED)
            raise
        self._end(ImportState.DONE)
        return report

    def _keep(self, session: Session, report: Report, octets: int, left_out: Sequence[LeftOut]) -> None:
        if self._errors is not None:
            self._errors.add(left_out)
        self._renew(session, report=report.as_json(), octets=octets)

    def _between(self, report: Report, octets: int) -> None:
        if self._errors is not None:
            self._errors.settle()
        if self._it is not None and not report.read:
            with self._run.database.transaction() as session:
                self._renew(session, state=ImportState.RUNNING, report=report.as_json())
        self._progress(report, octets)
        if self._stands is ImportState.STOPPED:
            raise Stopped

    def _renew(self, session: Session, **values: Any) -> None:
        if self._it is not None:
            self._stands = renew(session, self._it.id, self._it.lease_token or "", self._clock(), **values)

    def _end(self, state: ImportState) -> None:
        """What was never under way is no import."""
        if self._it is None:
            return
        with self._run.database.transaction() as session:
            it = session.get_one(Import, self._it.id, with_for_update=True)
            if not it.report:
                forget_fields(session, it)
                session.execute(delete(Import).where(Import.id == it.id))
                return
            it.state, it.finished_at, it.touched_at = state, self._clock(), self._clock()
            it.lease_token = it.lease_until = None
