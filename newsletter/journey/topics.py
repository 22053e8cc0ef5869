"""Changes which of the newsletter's topics a reader takes, with an event for each."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.db import lock
from newsletter.events import EventKind, Press, note
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch, Message, Reason, digest
from newsletter.subscribers import Stream, Subscriber, TopicChoice, set_topics, topic_choice
from newsletter.topics import Topic


def change_topics(session: Session, subscriber: Subscriber, choice: TopicChoice, press: Press, now: datetime) -> None:
    """Take only these topics from now on, and cancel what is queued about others.

    The caller decides whether the press may widen what they take.
    """
    before = topic_choice(session, subscriber)
    if choice == before:
        return
    set_topics(session, subscriber, choice)
    if choice.every:
        note(session, subscriber.id, EventKind.EVERY_TOPIC, press, now)
        return
    ids = session.scalars(select(Topic.id).where(Topic.archived_at.is_(None)) if before.every else select(Topic.id))
    for id in sorted(ids):
        if choice.takes(id) is not before.takes(id):
            kind = EventKind.TOPIC_ON if choice.takes(id) else EventKind.TOPIC_OFF
            note(session, subscriber.id, kind, press, now, topic_id=id)
    about_others = select(Dispatch.id).where(Dispatch.topic_id.is_not(None), Dispatch.topic_id.not_in(choice.ids))
    its = (Message.subscriber_id == subscriber.id, Message.stream == Stream.CAMPAIGN)
    ledger.cancel(session, now, Reason.TOPIC_LEFT, *its, Message.dispatch_id.in_(about_others))
    digest.take_back(session, subscriber.id, Reason.TOPIC_LEFT, now)  # it is composed again
    digest.call_off(session, subscriber.id, Reason.TOPIC_LEFT, digest.DigestEntry.dispatch_id.in_(about_others))


def narrow_topics(session: Session, subscriber: Subscriber, most: TopicChoice, press: Press, now: datetime) -> bool:
    """Take no topics outside these; return False if they took no others."""
    lock(session, subscriber)
    before = topic_choice(session, subscriber)
    change_topics(session, subscriber, before & most, press, now)
    return (before & most) != before


def leave_topic(session: Session, subscriber: Subscriber, topic_id: int, press: Press, now: datetime) -> bool:
    """Drop this topic; return False if they did not take it. Of "every topic" only the other present ones remain."""
    others = session.scalars(select(Topic.id).where(Topic.id != topic_id))
    return narrow_topics(session, subscriber, TopicChoice.of(others), press, now)
