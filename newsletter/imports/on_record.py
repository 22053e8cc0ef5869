"""Loads what is known about a batch's addresses, as far as it affects the rows' fates."""

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
"""`Consent.form` of consents recorded by an import."""


def on_record(session: Session, secrets: Sequence[bytes], people: Mapping[str, Person]) -> dict[str, Known]:
    """What is known about each address, by key. `secrets`: the secret keys, current one first."""
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
    """Which of these bounced subscribers have left since."""
    every = session.scalars(select(Subscriber).where(is_given(session, Subscriber.id, ids))) if ids else ()
    return {one.id for one in every if journey.has_left_bounced(session, one)}


def _pressed(session: Session, ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these subscribers last confirmed themselves."""
    if not ids:
        return {}
    look = (
        select(Consent.subscriber_id, func.max(Consent.confirmed_at))
        .where(is_given(session, Consent.subscriber_id, ids), Consent.form != FORM, Consent.confirmed_at.is_not(None))
        .where(Consent.basis.is_distinct_from(Basis.FORM))  # a form alone may have been filled in by somebody else
        .group_by(Consent.subscriber_id)
    )
    return {id: at for id, at in session.execute(look) if at is not None}
