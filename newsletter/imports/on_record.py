"""What is on record about the addresses of a batch, as far as it decides what becomes of their rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import journey
from newsletter.bulk import is_given
from newsletter.imports.fate import ENDS, NOBODY, Known
from newsletter.imports.person import Person
from newsletter.imports.standing import Standing
from newsletter.subscribers import Basis, Consent, Status, Subscriber, suppressed

FORM = "import"
"""`Consent.form` of what an import put on record."""


def on_record(session: Session, secrets: Sequence[bytes], people: Mapping[str, Person]) -> dict[str, Known]:
    """What is known of each of these addresses. `secrets`: the product's keys, the present one first."""
    kept_out = suppressed(session, secrets, people)
    look = select(Subscriber.email_key, Subscriber.id, Subscriber.status)
    rows = session.execute(look.where(is_given(session, Subscriber.email_key, people)))
    found = {key: (id, status) for key, id, status in rows}
    confirmed = [id for key, (id, status) in found.items()
                 if status is Status.CONFIRMED and people[key].standing in ENDS]  # fmt: skip
    pressed = _pressed(session, confirmed)
    bounced = [id for key, (id, status) in found.items()
               if status is Status.BOUNCED and people[key].standing is Standing.LEFT]  # fmt: skip
    left = _left_bounced(session, bounced)
    known = {}
    for key in kept_out | found.keys():
        id, status = found.get(key, (None, None))
        known[key] = Known(
            id=id,
            status=status,
            suppressed=key in kept_out,
            pressed=pressed.get(id) if id else None,
            left=id in left,
        )
    return dict.fromkeys(people, NOBODY) | known


def _left_bounced(session: Session, ids: Sequence[int]) -> set[int]:
    """Which of these people, whose addresses bounce, have left since."""
    every = session.scalars(select(Subscriber).where(is_given(session, Subscriber.id, ids))) if ids else ()
    return {one.id for one in every if journey.has_left_bounced(session, one)}


def _pressed(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these people last agreed by a press of their own."""
    if not ids:
        return {}
    look = (
        select(Consent.subscriber_id, func.max(Consent.confirmed_at))
        .where(is_given(session, Consent.subscriber_id, ids), Consent.form != FORM, Consent.confirmed_at.is_not(None))
        .where(Consent.basis.is_distinct_from(Basis.FORM))  # then somebody else may have typed it
        .group_by(Consent.subscriber_id)
    )
    return {id: at for id, at in session.execute(look) if at is not None}
