"""ImportedPerson: what an import changed for one person, recorded for undo."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import insert_into, insert_rows, is_given
from newsletter.db import Base, one_of
from newsletter.imports.fate import ENDS
from newsletter.imports.for_known import Change
from newsletter.imports.person import Person
from newsletter.imports.record import Import
from newsletter.imports.report import Fate
from newsletter.subscribers import Subscriber

GONE = frozenset(fate for fate, _ in ENDS.values())
"""Fates of those who left or must not be written to."""


class ImportedPerson(Base):
    """What an import changed for one person; deleted when it can no longer be undone."""

    __tablename__ = "imported_people"
    __table_args__ = (one_of("fate", Fate),)

    import_id: Mapped[int] = mapped_column(ForeignKey(Import.id, ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    fate: Mapped[Fate]
    made: Mapped[bool]
    """Whether the import created the subscriber."""
    ending: Mapped[bool] = mapped_column(default=False)
    """Whether they still have to be ended, in a transaction of their own (`ending`)."""
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What undo restores: tag ids given ("tags"), previous and new field values ("fields"), and whether they had the
    newsletter ("newsletter"). For those being ended: when they left ("left")."""


def note_changes(session: Session, changes: Sequence[Mapping[str, Any]]) -> None:
    """Record what an import changes; a second change of the same person overwrites the first."""
    put = insert_into(session, ImportedPerson)
    later = {"fate": put.excluded.fate, "ending": put.excluded.ending}
    later["before"] = func.coalesce(put.excluded.before, ImportedPerson.before)
    put = put.on_conflict_do_update(index_elements=["import_id", "subscriber_id"], set_=later)
    insert_rows(session, put, changes)


def undo_state(person: Person, fate: Fate, newsletter: bool | None, tags: Iterable[str] | None,
              ids: Mapping[str, int], fields: Mapping[int, Change] | None) -> dict[str, Any] | None:  # fmt: skip
    """The value of `ImportedPerson.before`, or None if there is nothing to restore."""
    kept: dict[str, Any] = {}
    if newsletter is not None:
        kept["newsletter"] = newsletter
    if tags:
        kept["tags"] = sorted(ids[name] for name in tags)
    if fields:
        kept["fields"] = {str(field): list(change) for field, change in fields.items()}
    if fate in GONE and person.left is not None:
        kept["left"] = person.left.isoformat()
    return kept or None


def changed_before(session: Session, import_id: int, ids: Collection[int]) -> set[int]:
    """Which of these subscribers an earlier row of this import added or changed."""
    look = select(ImportedPerson.subscriber_id).where(ImportedPerson.import_id == import_id)
    return set(session.scalars(look.where(is_given(session, ImportedPerson.subscriber_id, ids)))) if ids else set()


def confirmed_gone(session: Session, import_id: int, fates: Mapping[int, Fate]) -> list[dict[str, Any]]:
    """Rows for people whom another import created and whom this file also says are gone: undoing that import must not
    delete them. `fates`: by subscriber id."""
    theirs = (
        is_given(session, ImportedPerson.subscriber_id, fates),
        ImportedPerson.import_id != import_id,
        ImportedPerson.made,
    )
    look = select(ImportedPerson.subscriber_id).where(*theirs).distinct()
    same = {"import_id": import_id, "made": False, "ending": False, "before": None}
    return [{**same, "subscriber_id": id, "fate": fates[id]} for id in session.scalars(look)] if fates else []
