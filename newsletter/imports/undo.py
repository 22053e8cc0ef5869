"""Undoes an import: deletes people it added who did nothing since, and reverts tags and field values.

People who acted since, bounced or were mailed stay as they are. Existing subscribers who were ended by the file stay
out: only their own sign-up brings them back. Those imported as gone (left, bounced, complained, blocked) are also kept,
unless the owner says it was the wrong file; once deleted, the next file may add them.
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
    """What undoing would do, as numbers of people."""

    deleted: int
    """Added by it, and did nothing since."""
    pending_again: int
    """Confirmed by it; become pending again."""
    untagged: int
    """Existing subscribers who lose its tags or field values."""
    kept: int
    """Acted or were mailed since; stay as they are."""
    gone: int
    """Imported as gone."""
    ended: int
    """Existing subscribers who were ended by the file."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to undo."""
        return not (self.deleted or self.pending_again or self.untagged or self.gone)


def prospect(session: Session, it: Import) -> Prospect:
    """What undoing this import now would do."""
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
    """The field of `Prospect` in which a person counts."""
    if fate in _ENDED and not made:
        return "ended"
    if fate is Fate.KNOWN:
        return "untagged"
    if has_acted:
        return "kept"
    return "gone" if fate in _ENDED else "deleted" if made else "pending_again"


def _has_acted(it: Import) -> ColumnElement[bool]:
    """SQL condition on a joined ImportedPerson and Subscriber: something happened to them since this import (another
    status, an event, their own consent, a series, a message, a changed address), or another import also says that they
    are gone."""
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
    """Undo one batch in this transaction; False once nothing is left. `secrets`: the secret keys."""
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
    """Lock these people, and group them by field of `Prospect`."""
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
    """Make these people pending again, and delete the consent that the import recorded for them."""
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
    """Delete the suppressions that this import wrote, and no others."""
    keys = session.scalars(select(Subscriber.email_key).where(Subscriber.id.in_(ids))).all() if ids else ()
    hashes = [hashed for key in keys for hashed in address_hashes(secrets, key)]
    mine = (Suppression.detail == BLOCKED, Suppression.created_at == it.started_at)
    if hashes:
        session.execute(delete(Suppression).where(Suppression.address_hash.in_(hashes), *mine))


def _delete(session: Session, ids: Collection[int]) -> None:
    """Delete these subscribers, who were never mailed; their other rows go by cascade."""
    if ids:
        gone = delete(Subscriber).where(Subscriber.id.in_(ids))
        with keeping_plans(session):
            session.execute(gone.execution_options(synchronize_session=False))


def forget_fields(session: Session, it: Import) -> None:
    """Delete the fields it created that are empty and unused."""
    for id in it.fields_made:
        field = session.get(Field, id)
        if field is None or session.scalar(select(exists().where(FieldValue.field_id == id))):
            continue
        uses = preflight.field_uses(session, field)
        if uses.is_free and not uses.forms:
            delete_field(session, field)
