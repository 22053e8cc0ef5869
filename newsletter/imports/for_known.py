"""What an import brings to those who are here already: tags and values of the owner's fields, and nothing else.

Their status, consents, subscription, topics, name, zone and language are never an import's to change.
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
"""What stood in a field (None: nothing), and what stands there now."""


class ForKnown(StrEnum):
    """What those get who are here already."""

    FILL = "fill"
    """The file's tags, and its values where a field of theirs is empty."""
    OVERWRITE = "overwrite"
    """The file's tags, and its values in place of theirs."""
    LEAVE = "leave"
    """Neither."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What a batch brings besides people. `tags`: what each of them does not have yet, by their keys: of new people the
    tags for all, of others the file's too. `fields`: of those who are here, by people and fields."""

    tags: Mapping[str, set[str]]
    fields: Mapping[int, Mapping[int, Change]]
    changed: Changed


def brought(session: Session, people: Mapping[str, Person], known: Mapping[str, Known], fates: Mapping[str, Fate], *,
            for_all: Collection[str], mode: ForKnown, touched: Callable[[Collection[int]], Collection[int]]
            ) -> Brought:  # fmt: skip
    """What these people get who are readers here, or become some. `for_all`: tags for each of them. `touched`: whom of
    those who are here an earlier row has brought in or changed: to them the file brings nothing more."""
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
    """Take the tags that these people have out of what they are to get."""
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
    """Write these. What somebody else has filled in in this very moment stands."""
    if not changes:
        return
    there = {one.id: one for one in all_fields(session)}  # one may have been deleted since the file was begun
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
    """Put back what stood in fields, where they still hold what an import has put there. `noted`: its changes, by
    people and fields; `fields`: those that are there."""
    look = select(FieldValue.subscriber_id, FieldValue.field_id, FieldValue.value)
    rows = session.execute(look.where(FieldValue.subscriber_id.in_(noted)))
    there = {(id, field): value for id, field, value in rows}
    emptied: dict[int, list[int]] = {}
    again = []
    for id, changes in noted.items():
        for key, (before, value) in changes.items():
            if there.get((id, int(key))) != value:
                continue  # somebody has changed it since, or deleted the field
            if before is None:
                emptied.setdefault(int(key), []).append(id)
            else:
                own = fields[int(key)]
                again.append({"subscriber_id": id, "field_id": own.id, **stored(own, before)})
    for field, ids in emptied.items():
        its = (FieldValue.field_id == field, FieldValue.subscriber_id.in_(ids))
        session.execute(delete(FieldValue).where(*its))
    hold(session, again)
