"""Subscription: which topics of the newsletter a reader receives, provided `Subscriber.newsletter` is on.

Most readers receive every topic, including future ones, and have no rows (`Subscriber.every_topic`). Those who choose
have a row per topic, and get new topics only once they tick them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, ForeignKey, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base
from newsletter.subscribers.consent import Consent
from newsletter.subscribers.subscriber import Subscriber
from newsletter.topics import Topic


class Subscription(Base):
    """A topic chosen by a reader who does not receive all."""

    __tablename__ = "subscriptions"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(Topic.id), primary_key=True, index=True)


class ConsentTopic(Base):
    """A topic covered by a consent to the newsletter that does not cover all."""

    __tablename__ = "consent_topics"

    consent_id: Mapped[int] = mapped_column(ForeignKey(Consent.id, ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(Topic.id), primary_key=True)


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """A set of topics: all including future ones, or exactly `ids`."""

    every: bool = True
    ids: frozenset[int] = field(default=frozenset())

    @classmethod
    def of(cls, ids: Iterable[int]) -> "TopicChoice":
        """Exactly these topics."""
        return cls(False, frozenset(ids))

    def __or__(self, other: "TopicChoice") -> "TopicChoice":
        """The union."""
        return EVERY_TOPIC if self.every or other.every else TopicChoice.of(self.ids | other.ids)

    def __and__(self, other: "TopicChoice") -> "TopicChoice":
        """The intersection."""
        if self.every or other.every:
            return other if self.every else self
        return TopicChoice.of(self.ids & other.ids)

    def takes(self, topic_id: int) -> bool:
        """Whether this topic is included."""
        return self.every or topic_id in self.ids

    def ticked(self, ticked: Iterable[int], shown: Iterable[int], offered: Iterable[int]) -> "TopicChoice":
        """The choice after a reader ticked some of the topics shown on a page. `offered`: all current topics.

        Ticking all means every topic, including future ones. Topics that the page did not show are unchanged.
        """
        seen = frozenset(shown)
        wanted = seen.intersection(ticked)
        if wanted == seen and (self.every or seen >= frozenset(offered)):
            return EVERY_TOPIC
        unseen = frozenset(offered) - seen if self.every else self.ids - seen
        return TopicChoice.of(wanted | unseen)

    def widens(self, before: "TopicChoice") -> bool:
        """Whether it includes anything that `before` did not."""
        return (self | before) != before


EVERY_TOPIC = TopicChoice()


def takes_topic(topic_id: ColumnElement[int] | ColumnElement[int | None] | int) -> ColumnElement[bool]:
    """SQL condition on Subscriber: receives this topic; does not check `Subscriber.newsletter`."""
    row = select(Subscription.topic_id).where(
        Subscription.subscriber_id == Subscriber.id, Subscription.topic_id == topic_id
    )
    return or_(Subscriber.every_topic, row.correlate_except(Subscription).exists())


def topic_choice(session: Session, subscriber: Subscriber) -> TopicChoice:
    """The topics a reader receives."""
    if subscriber.every_topic:
        return EVERY_TOPIC
    rows = session.scalars(select(Subscription.topic_id).where(Subscription.subscriber_id == subscriber.id))
    return TopicChoice.of(rows)


def set_topics(session: Session, subscriber: Subscriber, choice: TopicChoice) -> None:
    """Set exactly these topics. `journey` decides who may do that, and records it."""
    subscriber.every_topic = choice.every
    its = Subscription.subscriber_id == subscriber.id
    session.execute(delete(Subscription).where(its, Subscription.topic_id.not_in(choice.ids)))
    kept = set(session.scalars(select(Subscription.topic_id).where(its)))
    session.add_all(Subscription(subscriber_id=subscriber.id, topic_id=id) for id in sorted(choice.ids - kept))
    session.flush()


def consent_topics(session: Session, consents: Iterable[Consent]) -> TopicChoice | None:
    """The union of topics in these consents; None if none of them covers the newsletter."""
    asking = [one for one in consents if one.newsletter]
    if not asking:
        return None
    if any(one.every_topic for one in asking):
        return EVERY_TOPIC
    look = select(ConsentTopic.topic_id).where(ConsentTopic.consent_id.in_([one.id for one in asking]))
    return TopicChoice.of(session.scalars(look))


def name_topics(session: Session, consent: Consent, choice: TopicChoice) -> None:
    """Record the topics of a stored consent to the newsletter."""
    consent.every_topic = choice.every
    session.add_all(ConsentTopic(consent_id=consent.id, topic_id=id) for id in sorted(choice.ids))
