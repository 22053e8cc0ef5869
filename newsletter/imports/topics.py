"""Writes imported people's topics, and records them with their consents."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from newsletter.bulk import insert_into, insert_rows, is_given
from newsletter.subscribers import Consent, ConsentTopic, Subscriber, Subscription, TopicChoice


def take_topics(session: Session, choices: Mapping[int, TopicChoice], known: Collection[int]) -> None:
    """Give these people these topics. `known`: ids of those who existed before the import."""
    chosen = {id: choice for id, choice in choices.items() if not choice.every}
    if narrowed := [id for id in known if id in chosen]:
        change = update(Subscriber).where(is_given(session, Subscriber.id, narrowed)).values(every_topic=False)
        session.execute(change.execution_options(synchronize_session=False))
    rows = [{"subscriber_id": id, "topic_id": topic} for id, one in chosen.items() for topic in sorted(one.ids)]
    insert_rows(session, insert_into(session, Subscription), rows)


def name_topics_of(session: Session, ids: Sequence[int], form: str, now: datetime) -> None:
    """Copy these people's topics to the consents that `form` recorded for them at `now`."""
    chosen = select(Subscriber.id).where(is_given(session, Subscriber.id, ids), ~Subscriber.every_topic)
    if not ids or not (people := session.scalars(chosen).all()):
        return
    fresh = (is_given(session, Consent.subscriber_id, people), Consent.form == form, Consent.given_at == now)
    change = update(Consent).where(*fresh).values(every_topic=False)
    session.execute(change.execution_options(synchronize_session=False))
    rows = select(Consent.id, Subscription.topic_id).join(
        Subscription, Subscription.subscriber_id == Consent.subscriber_id
    )
    session.execute(insert(ConsentTopic).from_select(["consent_id", "topic_id"], rows.where(*fresh)))
