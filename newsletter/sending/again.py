"""Checks the sender's domain automatically: every few hours, and as soon as the sender's address changes."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import asked, brand
from newsletter.sender_domain import Why
from newsletter.sending.record import LookKind, SendingLook
from newsletter.sending.work import Place, look_at_domain

EVERY = timedelta(hours=6)
SOON = timedelta(minutes=30)
"""Interval after a check to which DNS gave no answer."""
_KEY = {"kind": LookKind.DOMAIN, "name": ""}


def look_again(rt: Place) -> bool:
    """Check the domain if it is due; return whether it was.

    Relays are not tested: they count who connects too often.
    """
    if not rt.settings.looks_domains_up:
        return False
    with rt.database.reading() as session:  # most ticks find nothing due, and should not block writers
        if not _is_due(session, _row(session), rt.clock.now()):
            return False
    with rt.database.transaction() as session:
        now = rt.clock.now()
        is_first = asked.ask(session, SendingLook, _KEY, now, timedelta.max)
        row = _row(session, lock=True)
        if row is None or not (is_first or _is_due(session, row, now)):
            return False
        row.leased_until, id, asked_at = now + asked.LEASE, row.id, row.asked_at
    found = look_at_domain(rt)
    with rt.database.transaction() as session:
        row = session.get_one(SendingLook, id, with_for_update=True)
        row.leased_until = None
        if row.asked_at == asked_at:  # else an owner has requested a check meanwhile, which includes the relays
            row.keep(found, rt.clock.now())
    return True


def _row(session: Session, *, lock: bool = False) -> SendingLook | None:
    look = select(SendingLook).filter_by(**_KEY)
    return session.scalars(look.with_for_update(skip_locked=True) if lock else look).one_or_none()


def _is_due(session: Session, row: SendingLook | None, now: datetime) -> bool:
    if row is None:
        return True
    if row.looked_at is None or row.waits or (row.leased_until and row.leased_until > now):
        return False  # an owner has requested one, or it is running
    if row.found.get("address") != brand.current(session).email:
        return True
    unanswered = any(one["why"] == Why.UNANSWERED for one in row.found["findings"])
    return now - row.looked_at >= (SOON if unanswered else EVERY)
