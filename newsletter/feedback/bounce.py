"""Bounces that arrive by mail (RFC 3464), handled by the same rules as refusals in the SMTP session."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.feedback.report import ON_ITS_WAY, Report, attempt, settle, subject
from newsletter.feedback.suppress import suppress
from newsletter.mail.incoming import Failure
from newsletter.mail.ledger import State
from newsletter.mail.outcomes import keeps_bouncing
from newsletter.mail.replies import MAILBOX_FULL, BounceClass
from newsletter.subscribers import Status, Subscriber

MAY_BOUNCE = (State.SENT, State.DELIVERED, State.UNCERTAIN, State.DEFERRED)
"""DEFERRED: an uncertain mail that waits for its second try."""
ENDED = (Status.BOUNCED, Status.COMPLAINED)


def bounced(session: Session, message_id: int, failures: Sequence[Failure], now: datetime) -> Report:
    """Record a bounce of this message. The caller has verified that the report belongs to it.

    A non-existent address ends all mail to its subscriber; so does a third full mailbox over 14 days or more.
    """
    about = subject(session, message_id)
    if about is None or about.state not in (*MAY_BOUNCE, *ON_ITS_WAY) or not failures:
        return Report.KNOWN
    if about.state in ON_ITS_WAY:
        return Report.TOO_EARLY
    person = about.subscriber
    failure = chosen(failures, person.email_key if person else "")
    stands = person is not None and person.status not in ENDED and not about.is_of_an_earlier_address
    if person is not None and stands and _is_dead(session, person, message_id, failure, now):
        suppress(session, person, Status.BOUNCED, now)
        session.flush()
    enhanced = MAILBOX_FULL if failure.bounce is BounceClass.SOFT_BOUNCE else failure.status
    told = attempt(
        message_id, State.BOUNCED, now, code=failure.code, enhanced=enhanced, words=failure.words or failure.status
    )
    return Report.TAKEN if settle(session, message_id, State.BOUNCED, MAY_BOUNCE, told) else Report.KNOWN


def chosen(failures: Sequence[Failure], key: str) -> Failure:
    """The failure to act on: preferably one that names the subscriber's address, and the mildest of those.

    An address may forward to several others, of which only one is gone.
    """
    named = [one for one in failures if key in (one.address, one.original)]
    mild = [one for one in named or failures if one.bounce is not BounceClass.HARD_BOUNCE]
    return (mild or named or failures)[0]


def _is_dead(session: Session, person: Subscriber, message_id: int, failure: Failure, now: datetime) -> bool:
    if failure.bounce is BounceClass.SOFT_BOUNCE:
        return keeps_bouncing(session, person.id, message_id, now)
    return failure.bounce is BounceClass.HARD_BOUNCE
