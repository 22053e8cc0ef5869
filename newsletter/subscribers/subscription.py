"""Subscription: which topics of the newsletter a reader takes. `Subscriber.newsletter` is the master switch above it.

Most readers take every topic, those to come too, and have no row (`Subscriber.every_topic`). Who chooses has a row for
each topic they take, and a new one is none of them until they tick it.
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
    """That a reader who chooses among the topics takes this one."""

    __tablename__ = "subscriptions"

    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(Topic.id), primary_key=True, index=True)


class ConsentTopic(Base):
    """A topic that a consent to the newsletter names, where it is not one to every topic."""

    __tablename__ = "consent_topics"

    consent_id: Mapped[int] = mapped_column(ForeignKey(Consent.id, ondelete="CASCADE"), primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(Topic.id), primary_key=True)


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """Which topics: every one, those to come too, or these and no others."""

    every: bool = True
    ids: frozenset[int] = field(default=frozenset())

    @classmethod
    def of(cls, ids: Iterable[int]) -> "TopicChoice":
        """These topics and no others."""
        return cls(False, frozenset(ids))

    def __or__(self, other: "TopicChoice") -> "TopicChoice":
        """What either takes."""
        return EVERY_TOPIC if self.every or other.every else TopicChoice.of(self.ids | other.ids)

    def __and__(self, other: "TopicChoice") -> "TopicChoice":
        """What both take."""
        if self.every or other.every:
            return other if self.every else self
        return TopicChoice.of(self.ids & other.ids)

    def takes(self, topic_id: int) -> bool:
        """Whether this topic is among them."""
        return self.every or topic_id in self.ids

    def ticked(self, ticked: Iterable[int], shown: Iterable[int], offered: Iterable[int]) -> "TopicChoice":
        """What a reader takes who has ticked these of the topics that a page showed. `offered`: all by now.

        All of them ticked is every topic, those to come too. What the page did not show stays as it was.
        """
        seen = frozenset(shown)
        wanted = seen.intersection(ticked)
        if wanted == seen and (self.every or seen >= frozenset(offered)):
            return EVERY_TOPIC
        unseen = frozenset(offered) - seen if self.every else self.ids - seen
        return TopicChoice.of(wanted | unseen)

    def widens(self, before: "TopicChoice") -> bool:
        """Whether there is something in it that was not in the other."""
        return (self | before) != before


EVERY_TOPIC = TopicChoice()


def takes_topic(topic_id: ColumnElement[int] | ColumnElement[int | None] | int) -> ColumnElement[bool]:
    """That a reader takes this topic, as an SQL condition on Subscriber; the master switch is not asked."""
    row = select(Subscription.topic_id).where(
        Subscription.subscriber_id == Subscriber.id, Subscription.topic_id == topic_id
    )
    return or_(Subscriber.every_topic, row.correlate_except(Subscription).exists())


def topic_choice(session: Session, subscriber: Subscriber) -> TopicChoice:
    """Which topics a reader takes."""
    if subscriber.every_topic:
        return EVERY_TOPIC
    rows = session.scalars(select(Subscription.topic_id).where(Subscription.subscriber_id == subscriber.id))
    return TopicChoice.of(rows)


def set_topics(session: Session, subscriber: Subscriber, choice: TopicChoice) -> None:
    """Let a reader take these topics and no others. Who may do that, and what is noted of it, is the journey's."""
    subscriber.every_topic = choice.every
    its = Subscription.subscriber_id == subscriber.id
    session.execute(delete(Subscription).where(its, Subscription.topic_id.not_in(choice.ids)))
    kept = set(session.scalars(select(Subscription.topic_id).where(its)))
    session.add_all(Subscription(subscriber_id=subscriber.id, topic_id=id) for id in sorted(choice.ids - kept))
    session.flush()


def consent_topics(session: Session, consents: Iterable[Consent]) -> TopicChoice | None:
    """The topics that these consents to the newsletter ask for together; None: none of them asks for the newsletter."""
    asking = [one for one in consents if one.newsletter]
    if not asking:
        return None
    if any(one.every_topic for one in asking):
        return EVERY_TOPIC
    look = select(ConsentTopic.topic_id).where(ConsentTopic.consent_id.in_([one.id for one in asking]))
    return TopicChoice.of(session.scalars(look))


def name_topics(session: Session, consent: Consent, choice: TopicChoice) -> None:
    """Keep with a consent to the newsletter, which is stored, the topics it is given for."""
    consent.every_topic = choice.every
    session.add_all(ConsentTopic(consent_id=consent.id, topic_id=id) for id in sorted(choice.ids))
