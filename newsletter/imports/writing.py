"""Writes batches of imported people to the database."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlalchemy import insert, literal, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from newsletter.bulk import insert_into, insert_rows, is_given, keeping_plans
from newsletter.clicks import ClickObjection
from newsletter.db import Base, Database, was_broken_off
from newsletter.imports.ending import end, waiting
from newsletter.imports.fate import ENDS, Known, decide, merged
from newsletter.imports.for_known import Brought, ForKnown, brought, write_fields
from newsletter.imports.imported_person import GONE, changed_before, confirmed_gone, note_changes, undo_state
from newsletter.imports.on_record import FORM, on_record
from newsletter.imports.person import Person
from newsletter.imports.report import Changed, Fate
from newsletter.imports.topics import name_topics_of, take_topics
from newsletter.subscribers import (
    Basis,
    Consent,
    Status,
    Subscriber,
    SubscriberTag,
    Suppression,
    SuppressionReason,
    address_hash,
    all_fields,
    hold,
    stored,
    tag_ids,
)
from newsletter.wordings import wording_id

TRIES = 5
Done = TypeVar("Done")
BLOCKED = "Blocked in an imported list."
_AFTER = {Fate.ADDED: Status.CONFIRMED, Fate.CONFIRMED: Status.CONFIRMED, Fate.PENDING: Status.PENDING}
_AFTER |= dict(ENDS.values())
Settle = Callable[[Session, list[Fate], int, Changed], None]
"""Called within a batch's transaction with the fate of each row, the tags given so far in the run, and what changed for
existing subscribers."""


@dataclass
class Writer:
    """Decides the fates of batches and, unless it is a dry run, writes them.

    A dry run remembers what it would have written (id and status by address), so that its counts match the real run.
    `secrets`: the secret keys, current one first. `import_id`: the import the changes are recorded under; None for a
    dry run. `tags`: for everybody in the file who is or becomes a reader. `known`: what existing subscribers get.
    """

    database: Database
    basis: str
    secrets: Sequence[bytes]
    now: datetime
    import_id: int | None = None
    tags: Sequence[str] = ()
    tags_given: int = 0
    known: ForKnown = ForKnown.FILL
    _wording: int | None = None
    """Id of the consent wording, written in its own transaction before the first batch."""
    _tags: dict[str, int] = field(default_factory=dict)
    _would: dict[int, Known] = field(default_factory=dict)
    _alike: dict[Known, Known] = field(default_factory=dict)
    """Interns equal values: most are equal."""
    _touched: set[int] = field(default_factory=set)
    """Ids a dry run would have changed: a second row about them changes nothing."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing is written."""
        return self.import_id is None

    def write(self, batch: Sequence[Person], settle: Settle = lambda session, fates, tags, changed: None) -> list[Fate]:
        """Write a batch; returns the fate of each row. A second row about the same person is `KNOWN`.

        The batch is one transaction; `settle` writes what must commit with it. Existing subscribers whom the file ends
        follow in one transaction each, because several at once could deadlock over messages and subscribers.
        """
        if self._wording is None and not self.dry_run:
            self._wording = self._retried(self._keep_wording)
        people = merged(batch)
        fates = self._retried(lambda: self._write(people, batch, settle))
        if any(fate in GONE for fate in fates):
            self.end_all()
        return fates

    def _keep_wording(self) -> int:
        with self.database.transaction() as session:
            return wording_id(session, self.basis)

    def end_all(self) -> None:
        """End the existing subscribers still flagged `ending`, including those left over by a killed worker."""
        if self.import_id is None:
            return
        with self.database.reading() as session:
            ids = waiting(session, self.import_id)
        for id in ids:
            self._retried(lambda id=id: self._end(id))  # type: ignore[misc]

    def _end(self, id: int) -> None:
        with self.database.transaction() as session:
            end(session, cast("int", self.import_id), id, self.now)

    def _retried(self, work: Callable[[], Done]) -> Done:
        """Run `work`, retrying up to `TRIES` times when PostgreSQL aborts it (deadlock, serialisation)."""
        for _ in range(TRIES - 1):
            try:
                return work()
            except OperationalError as error:
                if not was_broken_off(error):
                    raise
        return work()

    def _write(self, people: Mapping[str, Person], batch: Sequence[Person], settle: Settle) -> list[Fate]:
        with self.database.reading() if self.dry_run else self.database.transaction() as session:
            known = on_record(session, self.secrets, people) | self._would_be(people)
            fates = {key: decide(person, known[key]) for key, person in people.items()}
            fresh = {key: one for key, one in people.items() if known[key].status is None and fates[key] in _AFTER}
            brings = brought(session, people, known, fates, for_all=self.tags, mode=self.known,
                             touched=lambda ids: self._touched_by(session, ids))  # fmt: skip
            tags: dict[str, int] = {}
            if not self.dry_run:
                with keeping_plans(session):
                    tags = self._store(session, people, fresh, fates, known, brings)
            given = self.tags_given + sum(len(one.tags) for key, one in fresh.items() if fates[key] in _AFTER)
            given += sum(map(len, brings.tags.values()))
            told = dict(fates)
            listed = [told.pop(person.address.key, Fate.KNOWN) for person in batch]
            settle(session, listed, given, brings.changed)
        if self.dry_run:
            self._remember(known, fates, brings)
        self._tags |= tags  # not before they are in
        self.tags_given = given
        return listed

    def _would_be(self, people: Mapping[str, Person]) -> dict[str, Known]:
        """Those of them whom this dry run would already have written, by key."""
        return {key: would for key in people if (would := self._would.get(hash(key))) is not None}

    def _remember(self, known: Mapping[str, Known], fates: Mapping[str, Fate], brings: Brought) -> None:
        changed = (known[key].id for key, fate in fates.items() if fate in _AFTER or key in brings.tags)
        self._touched.update(id for id in changed if id is not None)
        self._touched.update(brings.fields)
        for key, fate in fates.items():
            if (status := _AFTER.get(fate)) is not None:
                kept_out = known[key].suppressed or fate is Fate.BLOCKED
                would = Known(known[key].id, status, kept_out)
                self._would[hash(key)] = self._alike.setdefault(would, would)

    def _touched_by(self, session: Session, ids: Collection[int]) -> Collection[int]:
        """Which of these an earlier row of this import changed."""
        if self.import_id is None:
            return self._touched.intersection(ids)
        return changed_before(session, self.import_id, ids)

    def _store(self, session: Session, people: Mapping[str, Person], fresh: Mapping[str, Person],
               fates: dict[str, Fate], known: Mapping[str, Known], brings: Brought) -> dict[str, int]:  # fmt: skip
        """Write the batch; returns the ids of tags not seen before, by name."""
        ids = self._insert(session, fresh, fates)
        for key in fresh.keys() - ids.keys():  # signed up concurrently: their own sign-up wins
            fates[key] = Fate.KNOWN
        before = self._took(session, known, fates)
        confirmed = self._confirm(session, people, fates)
        agreed = [*(ids[key] for key in ids if fates[key] is Fate.ADDED), *confirmed.values()]
        choices = {id: people[key].topics for key, id in (*ids.items(), *confirmed.items())}
        take_topics(session, choices, confirmed.values())
        self._consent(session, agreed)
        known_to_choose = (*(id for id in agreed if not choices[id].every), *confirmed.values())
        name_topics_of(session, known_to_choose, FORM, self.now)
        objecting = [{"subscriber_id": ids[key], "at": self.now} for key in ids if fresh[key].objects]
        self._put(session, ClickObjection, objecting)
        self._block(session, [key for key, fate in fates.items() if fate is Fate.BLOCKED])
        self._hold(session, {ids[key]: fresh[key].fields for key in ids if fresh[key].fields})
        write_fields(session, brings.fields)
        missing = brings.tags
        wanted = {id: {*fresh[key].tags, *missing.get(key, ())} for key, id in ids.items()}
        extra = {id: missing[key] for key in missing if key not in ids and (id := known[key].id) is not None}
        tags = self._tag(session, {**wanted, **extra})
        kept = {id: undo_state(people[key], fates[key], before.get(id), extra.get(id), self._tags | tags,
                              brings.fields.get(id))
                for key in fates if (id := known[key].id or ids.get(key)) is not None}  # fmt: skip
        self._note(session, people, fates, known, ids, kept, {*extra, *brings.fields})
        return tags

    def _note(self, session: Session, people: Mapping[str, Person], fates: Mapping[str, Fate],
              known: Mapping[str, Known], ids: Mapping[str, int], kept: Mapping[int, dict[str, Any] | None],
              changed: Collection[int]) -> None:  # fmt: skip
        """Record what undo needs. `changed`: ids of existing subscribers who got something."""
        note_changes(session, [
            {"import_id": self.import_id, "subscriber_id": id, "fate": fates[key], "made": key in ids,
             "ending": key not in ids and fates[key] in GONE, "before": kept[id]}
            for key in fates
            if (id := known[key].id or ids.get(key)) is not None and (fates[key] in _AFTER or id in changed)
        ])  # fmt: skip
        again = {
            id: ENDS[people[key].standing][0] for key, fate in fates.items()
            if fate is Fate.KNOWN and people[key].standing in ENDS and (id := known[key].id) is not None
        }  # fmt: skip
        note_changes(session, confirmed_gone(session, cast("int", self.import_id), again))

    def _took(self, session: Session, known: Mapping[str, Known], fates: Mapping[str, Fate]) -> dict[int, bool]:
        """Whether pending subscribers about to be confirmed had asked for the newsletter, by id."""
        ids = [known[key].id for key, fate in fates.items() if fate is Fate.CONFIRMED]
        look = select(Subscriber.id, Subscriber.newsletter).where(is_given(session, Subscriber.id, ids))
        return dict(session.execute(look).all()) if ids else {}

    def _insert(self, session: Session, fresh: Mapping[str, Person], fates: Mapping[str, Fate]) -> dict[str, int]:
        """Insert the new people; returns their ids by key."""
        rows = [self._row(key, person, fates[key]) for key, person in fresh.items()]
        put = insert_into(session, Subscriber).on_conflict_do_nothing().returning(Subscriber.email_key, Subscriber.id)
        return dict(insert_rows(session, put, rows))

    def _row(self, key: str, person: Person, fate: Fate) -> dict[str, Any]:
        status = _AFTER[fate]
        reader, gone = status is Status.CONFIRMED, person.standing in ENDS
        return {
            "email": person.address.email, "email_key": key, "first_name": person.first_name, "zone": person.zone,
            "language": person.language,
            "status": status, "newsletter": reader and person.newsletter, "every_topic": person.topics.every,
            "created_at": person.joined or min(person.confirmed or self.now, person.left or self.now),
            "confirmed_at": (person.confirmed or self.now) if reader else person.confirmed if gone else None,
            "left_at": (person.left or self.now) if gone else None, "paused_until": person.paused if reader else None,
            "digest": reader and person.weekly,
        }  # fmt: skip

    def _confirm(self, session: Session, people: Mapping[str, Person], fates: dict[str, Fate]) -> dict[str, int]:
        """Confirm pending subscribers; returns their ids by key."""
        agreed: dict[str, int] = {}
        for newsletter in (True, False):
            keys = [k for k, fate in fates.items() if fate is Fate.CONFIRMED and people[k].newsletter is newsletter]
            if keys:
                agreed |= session.execute(
                    update(Subscriber)
                    .where(is_given(session, Subscriber.email_key, keys), Subscriber.status == Status.PENDING)
                    .values(status=Status.CONFIRMED, confirmed_at=self.now, newsletter=newsletter)
                    .returning(Subscriber.email_key, Subscriber.id)
                    .execution_options(synchronize_session=False)
                ).all()
        return agreed

    def _consent(self, session: Session, ids: Sequence[int]) -> None:
        """Record these people's consent on the owner's basis, in a single INSERT … SELECT."""
        if not ids:
            return
        at = literal(self.now, Consent.given_at.type)
        names = [
            "subscriber_id",
            "newsletter",
            "wording_id",
            "page",
            "form",
            "given_at",
            "confirmed_at",
            "basis",
        ]
        session.execute(
            insert(Consent).from_select(names, select(
                Subscriber.id, Subscriber.newsletter, literal(self._wording, Consent.wording_id.type),
                literal(""), literal(FORM), at, at, literal(Basis.IMPORT, Consent.basis.type),
            ).where(is_given(session, Subscriber.id, ids)))
        )  # fmt: skip

    def _block(self, session: Session, keys: Iterable[str]) -> None:
        self._put(session, Suppression, [
            {"address_hash": address_hash(self.secrets[0], key), "reason": SuppressionReason.OWNER, "detail": BLOCKED,
             "created_at": self.now} for key in keys
        ])  # fmt: skip

    def _hold(self, session: Session, given: Mapping[int, Mapping[int, str]]) -> None:
        if not given:
            return
        there = {one.id: one for one in all_fields(session)}  # one may have been deleted since the import started
        hold(session, [
            {"subscriber_id": id, "field_id": field, **stored(there[field], value)}
            for id, values in given.items() for field, value in values.items() if field in there
        ])  # fmt: skip

    def _tag(self, session: Session, given: Mapping[int, Collection[str]]) -> dict[str, int]:
        new = tag_ids(session, {name for names in given.values() for name in names} - self._tags.keys())
        found = self._tags | new
        rows = [{"subscriber_id": id, "tag_id": found[name]} for id, names in given.items() for name in names]
        self._put(session, SubscriberTag, rows)
        return new

    def _put(self, session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert these rows, skipping existing ones."""
        insert_rows(session, insert_into(session, model).on_conflict_do_nothing(), rows)
