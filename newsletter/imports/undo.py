"""An import taken back: whom it brought in and who has done nothing since, and the tags and values that it gave.

What a person has done themselves since stands: who pressed, left, bounced or was written to stays as they are, and is
counted. Who was here and has left by the file's word stays out: only their own sign-up brings them back. Those who came
in as gone (left, bounced, complained, blocked) are kept out for good too, unless the owner says that the file was the
wrong one; forgetting them means that the next list may bring them in.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields

from sqlalchemy import ColumnElement, and_, case, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from newsletter import preflight
from newsletter.bulk import keeping_plans
from newsletter.events import Event
from newsletter.imports.fate import ENDS
from newsletter.imports.for_known import take_back_fields
from newsletter.imports.imported_person import ImportedPerson
from newsletter.imports.on_record import FORM
from newsletter.imports.record import Import
from newsletter.imports.report import Fate
from newsletter.imports.writing import BLOCKED
from newsletter.mail.ledger import Message
from newsletter.sequences import Enrollment
from newsletter.subscribers import (
    Consent,
    Field,
    FieldValue,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Suppression,
    address_hashes,
    all_fields,
    delete_field,
)

AT_ONCE = 1000
_ENDED = tuple(fate for fate, _ in ENDS.values())
_STATUSES = {Fate.ADDED: Status.CONFIRMED, Fate.PENDING: Status.PENDING, Fate.CONFIRMED: Status.CONFIRMED}
_STATUSES |= dict(ENDS.values())


@dataclass(frozen=True, slots=True)
class Prospect:
    """What undoing would do, in numbers of people."""

    deleted: int
    """Came in by it, and have done nothing since."""
    pending_again: int
    """Were confirmed by it."""
    untagged: int
    """Were here before, and lose a tag that it gave, or what it put into their fields."""
    kept: int
    """Have done something themselves since, or were written to: they stay as they are."""
    gone: int
    """Came in as gone."""
    ended: int
    """Were here, and have left by the file's word."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to take back."""
        return not (self.deleted or self.pending_again or self.untagged or self.gone)


def prospect(session: Session, it: Import) -> Prospect:
    """What undoing this import would do now."""
    acted = _has_acted(it).label("acted")
    look = (
        select(ImportedPerson.fate, ImportedPerson.made, acted, func.count())
        .join(Subscriber, Subscriber.id == ImportedPerson.subscriber_id)
        .where(ImportedPerson.import_id == it.id)
        .group_by(ImportedPerson.fate, ImportedPerson.made, acted)
    )
    found: Counter[str] = Counter()
    for fate, made, has_acted, many in session.execute(look):
        found[_becomes(fate, made, bool(has_acted))] += many
    return Prospect(**{one.name: found[one.name] for one in dataclass_fields(Prospect)})


def _becomes(fate: Fate, made: bool, has_acted: bool) -> str:
    """Which number of a `Prospect` somebody belongs to."""
    if fate in _ENDED and not made:
        return "ended"
    if fate is Fate.KNOWN:
        return "untagged"
    if has_acted:
        return "kept"
    return "gone" if fate in _ENDED else "deleted" if made else "pending_again"


def _has_acted(it: Import) -> ColumnElement[bool]:
    """Whether somebody has done something since this import, or something was done to them: another status than it
    gave, an event, a consent of their own, a series, a mail, another address. Or another list says too that they are
    gone. Of an import's person, joined."""
    other = aliased(ImportedPerson)
    mine, since = Subscriber.id, it.started_at
    own = and_(Consent.form != FORM, or_(Consent.given_at > since, Consent.confirmed_at > since))
    return or_(
        Subscriber.status != case(_STATUSES, value=ImportedPerson.fate, else_=Subscriber.status),
        func.coalesce(Subscriber.moved_at > since, False),
        exists().where(Event.subscriber_id == mine, Event.at > since),
        exists().where(Consent.subscriber_id == mine, own),
        exists().where(Enrollment.subscriber_id == mine, Enrollment.started_at > since),
        exists().where(Message.subscriber_id == mine, Message.created_at > since),
        exists().where(other.subscriber_id == mine, other.import_id != it.id, other.fate.in_(_ENDED)),
    )


def undo_some(session: Session, it: Import, secrets: Sequence[bytes]) -> bool:
    """Take back some of it, in this transaction; whether there is more. `secrets`: the product's keys."""
    rows = session.scalars(
        select(ImportedPerson)
        .where(ImportedPerson.import_id == it.id)
        .order_by(ImportedPerson.subscriber_id)
        .limit(AT_ONCE)
    ).all()
    if not rows:
        forget_fields(session, it)
        return False
    ids = [one.subscriber_id for one in rows]
    fates = _sorted(session, it, rows, ids)
    given = [one for become, people in fates.items() if become != "kept" for one in people]
    _untag(session, given)
    noted = {one.subscriber_id: found for one in given if (found := (one.before or {}).get("fields"))}
    if noted:
        take_back_fields(session, noted, {field.id: field for field in all_fields(session)})
    _pend_again(session, it, fates.get("pending_again", []))
    gone = fates.get("gone", []) if it.forgets_gone else []
    _lift_blocks(session, it, secrets, [one.subscriber_id for one in gone if one.fate is Fate.BLOCKED])
    _delete(session, [one.subscriber_id for one in (*fates.get("deleted", ()), *gone)])
    it.undone = Counter(it.undone) + Counter({become: len(people) for become, people in fates.items()})
    done = and_(ImportedPerson.import_id == it.id, ImportedPerson.subscriber_id.in_(ids))
    session.execute(delete(ImportedPerson).where(done).execution_options(synchronize_session=False))
    return True


def _sorted(session: Session, it: Import, rows: Sequence[ImportedPerson], ids: Collection[int]
            ) -> dict[str, list[ImportedPerson]]:  # fmt: skip
    """These people by what becomes of them, locked."""
    session.execute(select(Subscriber.id).where(Subscriber.id.in_(ids)).order_by(Subscriber.id).with_for_update())
    look = (
        select(ImportedPerson.subscriber_id, _has_acted(it))
        .join(Subscriber, Subscriber.id == ImportedPerson.subscriber_id)
        .where(ImportedPerson.import_id == it.id, Subscriber.id.in_(ids))
    )
    acted = dict(session.execute(look).all())
    fates: dict[str, list[ImportedPerson]] = {}
    for one in rows:
        if one.subscriber_id in acted:
            fates.setdefault(_becomes(one.fate, one.made, bool(acted[one.subscriber_id])), []).append(one)
    return fates


def _untag(session: Session, people: Sequence[ImportedPerson]) -> None:
    given: dict[int, list[int]] = {}
    for one in people:
        for tag in (one.before or {}).get("tags", ()):
            given.setdefault(tag, []).append(one.subscriber_id)
    for tag, ids in given.items():
        gone = delete(SubscriberTag).where(SubscriberTag.tag_id == tag, SubscriberTag.subscriber_id.in_(ids))
        session.execute(gone)


def _pend_again(session: Session, it: Import, people: Sequence[ImportedPerson]) -> None:
    """Where they stood: the consent that the import put on record goes, for nobody has given it."""
    ids = [one.subscriber_id for one in people]
    if not ids:
        return
    for newsletter in (True, False):
        these = [one.subscriber_id for one in people if bool((one.before or {}).get("newsletter")) is newsletter]
        change = update(Subscriber).where(Subscriber.id.in_(these))
        session.execute(
            change.values(status=Status.PENDING, confirmed_at=None, newsletter=newsletter, every_topic=True)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
    session.execute(delete(Subscription).where(Subscription.subscriber_id.in_(ids)))
    session.execute(delete(Consent).where(
        Consent.subscriber_id.in_(ids), Consent.form == FORM, Consent.given_at == it.started_at
    ).execution_options(synchronize_session=False))  # fmt: skip


def _lift_blocks(session: Session, it: Import, secrets: Sequence[bytes], ids: Collection[int]) -> None:
    """The suppressions that this import wrote, and no other."""
    keys = session.scalars(select(Subscriber.email_key).where(Subscriber.id.in_(ids))).all() if ids else ()
    hashes = [hashed for key in keys for hashed in address_hashes(secrets, key)]
    mine = (Suppression.detail == BLOCKED, Suppression.created_at == it.started_at)
    if hashes:
        session.execute(delete(Suppression).where(Suppression.address_hash.in_(hashes), *mine))


def _delete(session: Session, ids: Collection[int]) -> None:
    """The database deletes with them what was put on record. No mail was ever written to them."""
    if ids:
        gone = delete(Subscriber).where(Subscriber.id.in_(ids))
        with keeping_plans(session):
            session.execute(gone.execution_options(synchronize_session=False))


def forget_fields(session: Session, it: Import) -> None:
    """Delete the fields that it made, where nothing is held in them and nothing uses them."""
    for id in it.fields_made:
        field = session.get(Field, id)
        if field is None or session.scalar(select(exists().where(FieldValue.field_id == id))):
            continue
        uses = preflight.field_uses(session, field)
        if uses.is_free and not uses.forms:
            delete_field(session, field)
