"""ImportedPerson: what an import has changed of one person, so that it can be undone."""

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
"""The fates of those who have left, or must not be written to."""


class ImportedPerson(Base):
    """What an import has changed of one person: kept as long as it can be undone."""

    __tablename__ = "imported_people"
    __table_args__ = (one_of("fate", Fate),)

    import_id: Mapped[int] = mapped_column(ForeignKey(Import.id, ondelete="CASCADE"), primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True, index=True
    )
    fate: Mapped[Fate]
    made: Mapped[bool]
    """They were not on record before."""
    ending: Mapped[bool] = mapped_column(default=False)
    """They are to leave, or bounce, in a transaction of their own, and have not yet."""
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What has to be put back: the tags given ("tags"), what stood in fields and stands there now ("fields"), whether
    they took the newsletter ("newsletter"). Of somebody who is ending: when they left ("left")."""


def note_changes(session: Session, changes: Sequence[Mapping[str, Any]]) -> None:
    """Note what an import changes; of somebody whom it changes a second time the later word counts."""
    put = insert_into(session, ImportedPerson)
    later = {"fate": put.excluded.fate, "ending": put.excluded.ending}
    later["before"] = func.coalesce(put.excluded.before, ImportedPerson.before)
    put = put.on_conflict_do_update(index_elements=["import_id", "subscriber_id"], set_=later)
    insert_rows(session, put, changes)


def before_it(person: Person, fate: Fate, newsletter: bool | None, tags: Iterable[str] | None,
              ids: Mapping[str, int], fields: Mapping[int, Change] | None) -> dict[str, Any] | None:  # fmt: skip
    """What is to be remembered of somebody who is changed."""
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
    """Whom of these this import has brought in or changed by an earlier row."""
    look = select(ImportedPerson.subscriber_id).where(ImportedPerson.import_id == import_id)
    return set(session.scalars(look.where(is_given(session, ImportedPerson.subscriber_id, ids)))) if ids else set()


def said_again(session: Session, import_id: int, fates: Mapping[int, Fate]) -> list[dict[str, Any]]:
    """What is to be noted of those whom another import brought in, and who are gone by this list's word too: undoing
    that import must not forget them. `fates`: how they are gone, by their numbers."""
    theirs = (
        is_given(session, ImportedPerson.subscriber_id, fates),
        ImportedPerson.import_id != import_id,
        ImportedPerson.made,
    )
    look = select(ImportedPerson.subscriber_id).where(*theirs).distinct()
    same = {"import_id": import_id, "made": False, "ending": False, "before": None}
    return [{**same, "subscriber_id": id, "fate": fates[id]} for id in session.scalars(look)] if fates else []
