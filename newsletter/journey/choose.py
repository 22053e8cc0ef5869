"""The preferences page: the newsletter on or off, a series stopped or started again, and a name."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.orm import Session

from newsletter import sequences
from newsletter.db import lock
from newsletter.events import By, EventKind, Press, note
from newsletter.journey.confirm import take_newsletter
from newsletter.journey.give import WORDING_VERSION, start
from newsletter.mail import ledger
from newsletter.mail.ledger import Message, Reason
from newsletter.sequences import Enrollment
from newsletter.subscribers import Basis, Consent, Field, Status, Stream, Subscriber, set_values

PAGE = "/preferences"
NO_ANSWERS: Mapping[Field, str] = MappingProxyType({})


def choose(session: Session, subscriber: Subscriber, newsletter: bool, first_name: str, wording: str, now: datetime,
           fields: Mapping[Field, str] = NO_ANSWERS) -> None:  # fmt: skip
    """The form of the page: the newsletter on or off, a name, and answers to the owner's fields.

    `wording`: the words beside the box. An answer that was emptied is held no more.
    """
    lock(session, subscriber)
    subscriber.rename(first_name)
    set_values(session, subscriber.id, fields)
    press = Press(By.PAGE, wording, PAGE)
    if newsletter and not subscriber.newsletter and subscriber.status is Status.CONFIRMED:
        session.add(_agreed(subscriber, press, now, newsletter=True))
        take_newsletter(session, subscriber, press, now)
    if not newsletter:
        leave_newsletter(session, subscriber, press, now)


def leave_newsletter(session: Session, subscriber: Subscriber, press: Press, now: datetime) -> bool:
    """No newsletter from now on, and none of what is queued. False: they took none."""
    took = subscriber.newsletter
    if took or subscriber.status is Status.BOUNCED:  # who bounced takes none, and would again if the bounce is lifted
        subscriber.newsletter = False
        note(session, subscriber.id, EventKind.NEWSLETTER_OFF, press, now, newsletter_before=True)
    its = (Message.subscriber_id == subscriber.id, Message.stream == Stream.CAMPAIGN)
    ledger.cancel(session, now, Reason.NEWSLETTER_LEFT, *its)
    return took


def stop_series(session: Session, subscriber: Subscriber, enrollment_id: int, press: Press, now: datetime,
                reason: Reason = Reason.SERIES_STOPPED) -> bool:  # fmt: skip
    """End one series of this person, until they start it again themselves. False: it had ended already."""
    lock(session, subscriber)
    if not sequences.stop(session, subscriber, now, reason, only=enrollment_id):
        return False
    enrollment = session.get_one(Enrollment, enrollment_id)
    note(session, subscriber.id, EventKind.SERIES_STOPPED, press, now, sequence_id=enrollment.sequence_id)
    return True


def start_again(session: Session, subscriber: Subscriber, enrollment_id: int, press: Press, now: datetime) -> bool:
    """Go on with a series that was stopped, where they were. False: there is nothing to go on with."""
    lock(session, subscriber)
    enrollment = session.get(Enrollment, enrollment_id)
    if enrollment is None or enrollment.subscriber_id != subscriber.id or not subscriber.may_receive(Stream.STEP):
        return False
    if not start(session, subscriber, enrollment.sequence, press, now):
        return False
    session.add(_agreed(subscriber, press, now, guide=enrollment.sequence.guide_slug))
    return True


def _agreed(subscriber: Subscriber, press: Press, now: datetime, *, guide: str | None = None,
            newsletter: bool = False) -> Consent:  # fmt: skip
    return Consent(
        subscriber_id=subscriber.id, guide=guide, newsletter=newsletter, wording=press.words[:1000],
        version=WORDING_VERSION, page=press.page, form="preferences", given_at=now, confirmed_at=now, basis=Basis.PAGE,
    )  # fmt: skip
