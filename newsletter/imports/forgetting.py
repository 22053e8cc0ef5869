"""Deletes what imports leave behind once its retention ends: files with addresses, and whom an import changed."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.db import Database, without, without_inside
from newsletter.imports.imported_person import ImportedPerson
from newsletter.imports.record import DRAFTS, KEPT_FOR, WORKING, Import
from newsletter.imports.uploads import Upload, tokens_in

_AT_ONCE = 5000
ORPHANED = timedelta(hours=1)
"""Age at which a file without an import can no longer be an upload in progress."""


def forget_old(database: Database, folder: Path, now: datetime, machine_now: datetime) -> None:
    """Delete drafts untouched for `KEPT_FOR`, and everything but the report of finished imports of that age.

    `machine_now`: the system clock, on which file modification times are based (`now` may run ahead of it).
    """
    before = now - KEPT_FOR
    with database.transaction() as session:
        over = (Import.touched_at < before, Import.state.not_in(WORKING), Import.token.is_not(None))
        for it in session.scalars(select(Import).where(*over).with_for_update(skip_locked=True)):
            Upload(folder, it.token or "").forget()
            it.token = None
        session.execute(delete(Import).where(Import.touched_at < before, Import.state.in_(DRAFTS)))
        known = set(session.scalars(select(Import.token).where(Import.token.is_not(None))))
    for token in tokens_in(folder) - known:
        _forget_orphan(Upload(folder, token), (machine_now - ORPHANED).timestamp())
    while _forget_people(database, before):
        pass


def _forget_orphan(upload: Upload, before: float) -> None:
    there = [path for path in (upload.rows, upload.book, upload.errors, *upload.halves) if path.exists()]
    if all(path.stat().st_mtime < before for path in there):
        upload.forget()


def _forget_people(database: Database, before: datetime) -> bool:
    """Delete one batch of ImportedPerson rows that undo no longer needs; True if there may be more."""
    with database.transaction() as session:
        over = select(Import.id).where(Import.touched_at < before, Import.state.not_in(WORKING))
        first = session.scalar(
            select(ImportedPerson.import_id).where(ImportedPerson.import_id.in_(over), ~ImportedPerson.ending).limit(1)
        )
        if first is None:
            return False
        ids = session.scalars(
            select(ImportedPerson.subscriber_id)
            .where(ImportedPerson.import_id == first, ~ImportedPerson.ending)
            .limit(_AT_ONCE)
        ).all()
        session.execute(
            delete(ImportedPerson).where(ImportedPerson.import_id == first, ImportedPerson.subscriber_id.in_(ids))
        )
        return True


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from everything imports recorded about their files."""
    for it in session.scalars(select(Import)):
        it.name, it.problem, it.basis = (
            without(address, it.name),
            without(address, it.problem),
            without(address, it.basis),
        )
        it.seen, it.meanings = without_inside(address, it.seen), without_inside(address, it.meanings)
        it.tags, it.report = without_inside(address, it.tags), without_inside(address, it.report)
        it.sheet, it.sheets = without(address, it.sheet), without_inside(address, it.sheets)
        it.answers = {without(address, word): said for word, said in it.answers.items()}
