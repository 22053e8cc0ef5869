"""What an import changes for existing subscribers: tags and custom field values, nothing else.

It never changes their status, consents, subscription, topics, name, zone or language.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter.bulk import insert_into, insert_rows, is_given
from newsletter.imports.fate import Known
from newsletter.imports.person import Person
from newsletter.imports.report import Changed, Fate
from newsletter.subscribers import Field, FieldValue, Status, SubscriberTag, Tag, all_fields, hold, stored

_JOIN = (Fate.ADDED, Fate.PENDING, Fate.CONFIRMED)
_HERE = (Status.CONFIRMED, Status.PENDING)
Change = tuple[str | None, str]
"""A field's previous value (None if empty) and its new one."""


class ForKnown(StrEnum):
    """What existing subscribers get."""

    FILL = "fill"
    """The file's tags, and its values for fields that are empty."""
    OVERWRITE = "overwrite"
    """The file's tags, and its values in place of existing ones."""
    LEAVE = "leave"
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a batch changes besides adding people. `tags`: missing tags by address key; for new people only the tags
    given to all, for others the file's too. `fields`: changes of existing subscribers by subscriber and field id."""

    tags: Mapping[str, set[str]]
    fields: Mapping[int, Mapping[int, Change]]
    changed: Changed


def brought(session: Session, people: Mapping[str, Person], known: Mapping[str, Known], fates: Mapping[str, Fate], *,
            for_all: Collection[str], mode: ForKnown, touched: Callable[[Collection[int]], Collection[int]]
            ) -> Brought:  # fmt: skip
    """What these people get if they are or become readers. `for_all`: tags for everybody. `touched`: which existing
    subscribers an earlier row of this import already changed; they get nothing more."""
    ids = {id: key for key, fate in fates.items() if (id := known[key].id) is not None
           and (fate in _JOIN or (fate is Fate.KNOWN and known[key].status in _HERE))}  # fmt: skip
    for id in touched(ids) if ids else ():
        ids.pop(id, None)
    tags = {key: set(for_all) for key in ids.values()}
    if for_all:
        tags |= {key: set(for_all).difference(people[key].tags) for key, fate in fates.items()
                 if fate in _JOIN and known[key].id is None}  # fmt: skip
    theirs = {} if mode is ForKnown.LEAVE else {id: people[key] for id, key in ids.items()}
    for id, person in theirs.items():
        tags[ids[id]].update(person.tags)
    _without_those_there(session, {id: tags[key] for id, key in ids.items() if tags[key]})
    fields = _field_changes(session, {id: one.fields for id, one in theirs.items() if one.fields}, mode)
    changes = [before for own in fields.values() for before, _ in own.values()]
    filled = changes.count(None)
    tagged = sum(bool(tags[key]) for key in ids.values())
    return Brought(
        tags={key: wanted for key, wanted in tags.items() if wanted}, fields=fields,
        changed=Changed(tagged=tagged, filled=filled, replaced=len(changes) - filled),
    )  # fmt: skip


def _without_those_there(session: Session, wanted: Mapping[int, set[str]]) -> None:
    """Remove the tags that these people already have from `wanted`."""
    if wanted:
        look = select(SubscriberTag.subscriber_id, Tag.name).join(Tag, Tag.id == SubscriberTag.tag_id)
        for id, name in session.execute(look.where(is_given(session, SubscriberTag.subscriber_id, wanted))):
            wanted[id].discard(name)


def _field_changes(session: Session, given: Mapping[int, Mapping[int, str]], mode: ForKnown
                   ) -> dict[int, dict[int, Change]]:  # fmt: skip
    if not given:
        return {}
    look = select(FieldValue.subscriber_id, FieldValue.field_id, FieldValue.value)
    rows = session.execute(look.where(is_given(session, FieldValue.subscriber_id, given)))
    there = {(id, field): value for id, field, value in rows}
    changes: dict[int, dict[int, Change]] = {}
    for id, values in given.items():
        for field, value in values.items():
            before = there.get((id, field))
            if before is None or (mode is ForKnown.OVERWRITE and before != value):
                changes.setdefault(id, {})[field] = (before, value)
    return changes


def write_fields(session: Session, changes: Mapping[int, Mapping[int, Change]]) -> None:
    """Write these changes; a field filled concurrently by somebody else is left alone."""
    if not changes:
        return
    there = {one.id: one for one in all_fields(session)}  # one may have been deleted since the import started
    filled: list[Mapping[str, object]] = []
    replaced: list[Mapping[str, object]] = []
    for id, own in changes.items():
        for field, (before, value) in own.items():
            if field in there:
                row = {"subscriber_id": id, "field_id": field, **stored(there[field], value)}
                (filled if before is None else replaced).append(row)
    insert_rows(session, insert_into(session, FieldValue).on_conflict_do_nothing(), filled)
    hold(session, replaced)


def take_back_fields(session: Session, noted: Mapping[int, Mapping[str, Sequence[str | None]]],
                     fields: Mapping[int, Field]) -> None:  # fmt: skip
    """Restore previous field values wherever the imported value is unchanged. `noted`: the import's changes by
    subscriber and field id; `fields`: the existing fields by id."""
    look = select(FieldValue.subscriber_id, FieldValue.field_id, FieldValue.value)
    rows = session.execute(look.where(FieldValue.subscriber_id.in_(noted)))
    there = {(id, field): value for id, field, value in rows}
    emptied: dict[int, list[int]] = {}
    again = []
    for id, changes in noted.items():
        for key, (before, value) in changes.items():
            if there.get((id, int(key))) != value:
                continue  # changed since, or the field was deleted
            if before is None:
                emptied.setdefault(int(key), []).append(id)
            else:
                own = fields[int(key)]
                again.append({"subscriber_id": id, "field_id": own.id, **stored(own, before)})
    for field, ids in emptied.items():
        its = (FieldValue.field_id == field, FieldValue.subscriber_id.in_(ids))
        session.execute(delete(FieldValue).where(*its))
    hold(session, again)
