"""Runs an import in the calling process, for the command line."""

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
    """Import the people in a CSV file, recording `basis` as the readers' consent.

    The file is read twice: nothing is written until every status in it is understood. Each batch is one transaction; if
    interrupted, it can be started again without duplicates. `secrets`: the secret keys, current one first. `name`: of
    the file. `progress(report so far, octets read)` is called before the first batch and after each. `errors` receives
    the rows that import nobody. `order`: further options. `clock`: the current time during the run. Raises BadFile
    before anything is written, and Stopped if an owner stops it.
    """
    order = replace(order or Order(basis=basis), basis=basis, name=name)
    run = Run(database=database, order=order, secrets=secrets, now=now, progress=progress)
    if dry_run:
        return _Direct(run=run, errors=errors, it=None, clock=clock or (lambda: now)).through(file)
    with database.transaction() as session:
        # RUNNING only from the first batch: the first pass over a long file cannot renew a lease.
        it = begin(session, name, now, ImportState.STOPPED)
        it.basis, it.started_at, it.lease_token = order.basis[:1000], now, random.token_hex(16)
        it.fills_known, it.overwrites_known = order.known is not ForKnown.LEAVE, order.known is ForKnown.OVERWRITE
        if order.meanings is not None:
            meanings, it.fields_made = make_fields(session, order.meanings, now)
            it.meanings, order = [one.as_json() for one in meanings], replace(order, meanings=meanings)
    run.order, run.import_id = order, it.id
    return _Direct(run=run, errors=errors, it=it, clock=clock or (lambda: now)).through(file)


class Stopped(Exception):
    """An owner stopped the import on its page."""


class _Direct:
    """A run in this process, recorded as an import so that the owner's pages list it."""

    def __init__(self, run: Run, errors: ErrorsFile | None, it: Import | None, clock: Callable[[], datetime]) -> None:
        self._run, self._errors, self._it, self._clock = run, errors, it, clock
        self._progress, self._stands = run.progress, ImportState.RUNNING
        run.progress, run.keep = self._between, self._keep

    def through(self, file: BinaryIO) -> Report:
        """Run it and return the report; any exception leaves the import stopped."""
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
        """Finish the import in this state, or delete it if no batch was started."""
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
