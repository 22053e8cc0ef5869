"""Data export: all that is held about one person, in a form that can be handed to them (UK GDPR Art. 15 and 20)."""

from datetime import datetime, time, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.clicks import Click, objects
from newsletter.db import Base
from newsletter.events import Event
from newsletter.guides import GuideRequest
from newsletter.mail.ledger import Message
from newsletter.mail.ledger.digest import entries_of
from newsletter.sequences import Enrollment
from newsletter.subscribers import (
    EVERY_TOPIC,
    AddressChange,
    Consent,
    Subscriber,
    consent_topics,
    held,
    tags_of,
    topic_choice,
    typed_values,
)
from newsletter.topics import names_of

EVERY = "every topic"
STANDS = ("email", "status", "newsletter", "digest", "confirmed_at")
INNER = {"claim_token", "lease_until", "email_key", "to_id"}
"""Columns that say nothing about the person; `to_id` would say whether somebody else is known."""


def of(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    """Everything, as JSON types: the person, consents, events, guides, series, clicks, every mail with every try."""

    def rows(model: Any) -> list[Any]:
        return _rows(session, model, subscriber)

    return {
        "subscriber": _plain(subscriber),
        "tags": tags_of(session, subscriber.id),
        "topics": _topics(session, subscriber),
        "fields": {field.key: value for field, value in held(session, subscriber.id)},
        **_consent(session, subscriber),
        "guides": [_plain(one) | {"guide": one.guide.title} for one in rows(GuideRequest)],
        "series": [_plain(one) | {"series": one.sequence.name} for one in rows(Enrollment)],
        "clicks": [_plain(one) | {"link": one.link.url} for one in rows(Click)],
        "objects_to_clicks": objects(session, subscriber.id),
        "weekly_mails": [_plain(entry) for entry, _ in entries_of(session, subscriber.id)],
        "messages": [_plain(one) | {"tries": [_plain(each) for each in one.tries]} for one in rows(Message)],
    }


def consent_of(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    """What proves their consent (UK GDPR Art. 7(1)), as JSON types: each act of agreeing and each change of mind."""
    whose = {name: _json(getattr(subscriber, name)) for name in STANDS}
    return {"subscriber": whose, "topics": _topics(session, subscriber), **_consent(session, subscriber)}


def _consent(session: Session, subscriber: Subscriber) -> dict[str, Any]:
    return {
        "consents": [
            _worded(one, wording=one.wording.words, version=one.wording.version)
            | {"fields": _typed(session, one), "topics": _asked(session, one)}
            for one in _rows(session, Consent, subscriber)
        ],
        "events": [
            _worded(one, words=one.words) | {"topic": _named(session, one)} for one in _rows(session, Event, subscriber)
        ],
        "address changes": [_worded(one, words=one.words) for one in _rows(session, AddressChange, subscriber)],
    }


def _rows(session: Session, model: Any, subscriber: Subscriber) -> list[Any]:
    return list(session.scalars(select(model).where(model.subscriber_id == subscriber.id).order_by(model.id)))


def _topics(session: Session, subscriber: Subscriber) -> list[str] | str:
    """Which topics of the newsletter they take."""
    choice = topic_choice(session, subscriber)
    return EVERY if choice.every else names_of(session, choice.ids)


def _asked(session: Session, consent: Consent) -> list[str] | str | None:
    """Which topics a consent to the newsletter is given for."""
    choice = consent_topics(session, [consent])
    return EVERY if choice == EVERY_TOPIC else names_of(session, choice.ids) if choice else None


def _named(session: Session, event: Event) -> str | None:
    return next(iter(names_of(session, [event.topic_id])), None) if event.topic_id else None


def _typed(session: Session, consent: Consent) -> dict[str, str]:
    """What was typed with a sign-up and waits for its press."""
    return {field.key: value for field, value in typed_values(session, [consent.id]).items()}


def _worded(row: Consent | Event | AddressChange, **words: str) -> dict[str, Any]:
    """A row with the words themselves where it points at them."""
    told: dict[str, Any] = {}
    for name, value in _plain(row).items():
        told |= words if name == "wording_id" else {name: value}
    told.pop("reason", None)  # what the owner typed is among the words
    return told


def _plain(row: Base) -> dict[str, Any]:
    columns = row.__table__.columns.keys()
    return {name: _json(getattr(row, name)) for name in columns if name not in INNER}


def _json(value: Any) -> Any:
    if isinstance(value, datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.value if isinstance(value, Enum) else value
