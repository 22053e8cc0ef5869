"""Batches of people to the database."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from sqlalchemy import Table, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from newsletter import feedback, journey
from newsletter.clicks import ClickObjection
from newsletter.db import Base, Database, Gone, was_broken_off
from newsletter.events import By, Press
from newsletter.imports.fate import ENDS, Known, decide, merged
from newsletter.imports.person import Person
from newsletter.imports.report import Fate
from newsletter.imports.standing import Standing
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
    suppressed,
    tag_ids,
)

FORM = "import"
"""`Consent.form` of what an import put on record."""
TRIES = 5
Done = TypeVar("Done")
LIST = Press(By.OWNER, "An imported list says that this person has left or must not be written to.")
BLOCKED = "Blocked in an imported list."
_AFTER = {Fate.ADDED: Status.CONFIRMED, Fate.CONFIRMED: Status.CONFIRMED, Fate.PENDING: Status.PENDING}
_AFTER |= dict(ENDS.values())


@dataclass
class Writer:
    """Judges batches against the database and, unless it is a dry run, writes them.

    A dry run remembers what it would have written (a number and a status for each address), so that it counts as the
    run itself does. `secrets`: the product's keys, the present one first.
    """

    database: Database
    basis: str
    secrets: Sequence[bytes]
    now: datetime
    dry_run: bool = False
    tags_given: int = 0
    _tags: dict[str, int] = field(default_factory=dict)
    _would: dict[int, Known] = field(default_factory=dict)

    def write(self, batch: Sequence[Person]) -> list[Fate]:
        """The fate of each row; a second row about the same person is `KNOWN`.

        The batch is one transaction. Whom we may have written to and who has left after all ends in one of their own
        each, behind it: several at once would lock messages and subscribers in an order of their own.
        """
        people = merged(batch)
        known, fates = self._again(lambda: self._write(people))
        if not self.dry_run:
            for key, fate in fates.items():
                if (id := known[key].id) is not None and fate in _AFTER and people[key].standing in ENDS:
                    self._again(partial(self._end, id, people[key]))
        return [fates.pop(person.address.key, Fate.KNOWN) for person in batch]

    def _again(self, work: Callable[[], Done]) -> Done:
        """Do it; once more when PostgreSQL broke it off to let somebody else finish."""
        for _ in range(TRIES - 1):
            try:
                return work()
            except OperationalError as error:
                if not was_broken_off(error):
                    raise
        return work()

    def _write(self, people: Mapping[str, Person]) -> tuple[dict[str, Known], dict[str, Fate]]:
        with self.database.reading() if self.dry_run else self.database.transaction() as session:
            known = self._known(session, people)
            fates = {key: decide(person, known[key]) for key, person in people.items()}
            fresh = {key: one for key, one in people.items() if known[key].status is None and fates[key] in _AFTER}
            tags: dict[str, int] = {}
            if self.dry_run:
                self._remember(known, fates)
            else:
                tags = self._store(session, people, fresh, fates)
        self._tags |= tags  # not before they are in
        self.tags_given += sum(len(one.tags) for key, one in fresh.items() if fates[key] in _AFTER)
        return known, fates

    def _known(self, session: Session, people: Mapping[str, Person]) -> dict[str, Known]:
        kept_out = suppressed(session, self.secrets, people)
        look = select(Subscriber.email_key, Subscriber.id, Subscriber.status).where(Subscriber.email_key.in_(people))
        found = {key: (id, status) for key, id, status in session.execute(look)}
        confirmed = [id for key, (id, status) in found.items()
                     if status is Status.CONFIRMED and people[key].standing in ENDS]  # fmt: skip
        pressed = _pressed(session, confirmed)
        bounced = [id for key, (id, status) in found.items()
                   if status is Status.BOUNCED and people[key].standing is Standing.LEFT]  # fmt: skip
        left = _left_bounced(session, bounced)
        known = {}
        for key in people:
            id, status = found.get(key, (None, None))
            known[key] = Known(
                id=id,
                status=status,
                suppressed=key in kept_out,
                pressed=pressed.get(id) if id else None,
                left=id in left,
            )
            if self.dry_run and (would := self._would.get(hash(key))) is not None:
                known[key] = would
        return known

    def _remember(self, known: Mapping[str, Known], fates: Mapping[str, Fate]) -> None:
        for key, fate in fates.items():
            if (status := _AFTER.get(fate)) is not None:
                kept_out = known[key].suppressed or fate is Fate.BLOCKED
                self._would[hash(key)] = Known(known[key].id, status, kept_out)

    def _store(self, session: Session, people: Mapping[str, Person], fresh: Mapping[str, Person],
               fates: dict[str, Fate]) -> dict[str, int]:  # fmt: skip
        """Write the batch; the tags that were new."""
        ids = self._insert(session, fresh, fates)
        for key in fresh.keys() - ids.keys():  # signed up in this very moment: what they did themselves stands
            fates[key] = Fate.KNOWN
        agreed = [ids[key] for key in ids if fates[key] is Fate.ADDED]
        confirmed = self._confirm(session, people, fates)
        agreed += confirmed.values()
        choices = {id: people[key].topics for key, id in (*ids.items(), *confirmed.items())}
        take_topics(session, choices, confirmed.values())
        self._consent(session, agreed)
        name_topics_of(session, agreed, FORM, self.now)
        objecting = [{"subscriber_id": ids[key], "at": self.now} for key in ids if fresh[key].objects]
        if objecting:
            session.execute(_plain_insert(ClickObjection), objecting)
        self._block(session, [key for key, fate in fates.items() if fate is Fate.BLOCKED])
        self._hold(session, {ids[key]: fresh[key].fields for key in ids if fresh[key].fields})
        return self._tag(session, {ids[key]: fresh[key].tags for key in ids if fresh[key].tags})

    def _insert(self, session: Session, fresh: Mapping[str, Person], fates: Mapping[str, Fate]) -> dict[str, int]:
        """The new people's numbers by their keys."""
        if not fresh:
            return {}
        rows = [self._row(key, person, fates[key]) for key, person in fresh.items()]
        put = _upsert(session, Subscriber).returning(Subscriber.email_key, Subscriber.id)
        return dict(session.execute(put, rows).all())

    def _row(self, key: str, person: Person, fate: Fate) -> dict[str, Any]:
        status = _AFTER[fate]
        reader, gone = status is Status.CONFIRMED, person.standing in ENDS
        return {
            "email": person.address.email, "email_key": key, "first_name": person.first_name, "zone": person.zone,
            "status": status, "newsletter": reader and person.newsletter, "every_topic": person.topics.every,
            "created_at": person.joined or min(person.confirmed or self.now, person.left or self.now),
            "confirmed_at": (person.confirmed or self.now) if reader else person.confirmed if gone else None,
            "left_at": (person.left or self.now) if gone else None, "paused_until": person.paused if reader else None,
        }  # fmt: skip

    def _confirm(self, session: Session, people: Mapping[str, Person], fates: dict[str, Fate]) -> dict[str, int]:
        """Pending people, confirmed: their numbers by their keys."""
        agreed: dict[str, int] = {}
        for newsletter in (True, False):
            keys = [k for k, fate in fates.items() if fate is Fate.CONFIRMED and people[k].newsletter is newsletter]
            if keys:
                agreed |= session.execute(
                    update(Subscriber)
                    .where(Subscriber.email_key.in_(keys), Subscriber.status == Status.PENDING)
                    .values(status=Status.CONFIRMED, confirmed_at=self.now, newsletter=newsletter)
                    .returning(Subscriber.email_key, Subscriber.id)
                    .execution_options(synchronize_session=False)
                ).all()
        return agreed

    def _consent(self, session: Session, ids: Sequence[int]) -> None:
        """What these people agreed to, by the owner's word. One statement: the same for all but their numbers."""
        if not ids:
            return
        at = literal(self.now, Consent.given_at.type)
        names = [
            "subscriber_id",
            "newsletter",
            "wording",
            "version",
            "page",
            "form",
            "given_at",
            "confirmed_at",
            "basis",
        ]
        session.execute(
            insert(Consent).from_select(names, select(
                Subscriber.id, Subscriber.newsletter, literal(self.basis[:1000]), literal(journey.WORDING_VERSION),
                literal(""), literal(FORM), at, at, literal(Basis.IMPORT, Consent.basis.type),
            ).where(Subscriber.id.in_(ids)))
        )  # fmt: skip

    def _end(self, id: int, person: Person) -> None:
        """Every series of this subscriber ends, and everything queued is called off."""
        with suppress(Gone), self.database.transaction() as session:
            if (subscriber := session.get(Subscriber, id)) is None:
                return
            bounced = subscriber.status is Status.BOUNCED
            left = journey.unsubscribe(session, subscriber, self.now, goodbye=False, press=LIST)
            status = ENDS[person.standing][1]
            if status is not Status.UNSUBSCRIBED:
                feedback.suppress(session, subscriber, status, self.now, LIST)
            if left and person.left is not None and not bounced:
                subscriber.left_at = person.left

    def _block(self, session: Session, keys: Iterable[str]) -> None:
        rows = [
            {"address_hash": address_hash(self.secrets[0], key), "reason": SuppressionReason.OWNER, "detail": BLOCKED,
             "created_at": self.now} for key in keys
        ]  # fmt: skip
        if rows:
            session.execute(_upsert(session, Suppression), rows)

    def _hold(self, session: Session, given: Mapping[int, Mapping[int, str]]) -> None:
        if not given:
            return
        there = {one.id: one for one in all_fields(session)}  # one may have been deleted since the file was begun
        hold(session, [
            {"subscriber_id": id, "field_id": field, **stored(there[field], value)}
            for id, values in given.items() for field, value in values.items() if field in there
        ])  # fmt: skip

    def _tag(self, session: Session, given: Mapping[int, Sequence[str]]) -> dict[str, int]:
        new = tag_ids(session, {name for names in given.values() for name in names} - self._tags.keys())
        found = self._tags | new
        rows = [{"subscriber_id": id, "tag_id": found[name]} for id, names in given.items() for name in names]
        if rows:
            session.execute(_plain_insert(SubscriberTag), rows)
        return new


def _upsert(session: Session, model: type[Base]) -> Any:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(cast("Table", model.__table__)).on_conflict_do_nothing()


def _plain_insert(model: type[Base]) -> Any:
    return insert(cast("Table", model.__table__))  # of the table: nothing is asked back, and no record is made


def _left_bounced(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these people, whose addresses bounce, have left since."""
    every = session.scalars(select(Subscriber).where(Subscriber.id.in_(ids))) if ids else ()
    return {one.id for one in every if journey.has_left_bounced(session, one)}


def _pressed(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these people last agreed by a press of their own."""
    if not ids:
        return {}
    look = (
        select(Consent.subscriber_id, func.max(Consent.confirmed_at))
        .where(Consent.subscriber_id.in_(ids), Consent.form != FORM, Consent.confirmed_at.is_not(None))
        .where(Consent.basis.is_distinct_from(Basis.FORM))  # then somebody else may have typed it
        .group_by(Consent.subscriber_id)
    )
    return {id: at for id, at in session.execute(look) if at is not None}
