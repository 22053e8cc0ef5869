"""Search: who is meant by words that an owner types."""

from sqlalchemy import ColumnElement, or_

from newsletter.subscribers.subscriber import Subscriber

LAST = "\U0010ffff"
"""Sorts behind everything that an address may hold."""


def found_by(asked: str) -> ColumnElement[bool]:
    """Whose address or first name holds these words; with an @, whose address begins so."""
    key = asked.lower()
    if "@" in asked.strip("@"):
        return Subscriber.email_key.between(key, f"{key}{LAST}")  # a range of the unique index
    return or_(
        Subscriber.email_key.contains(key, autoescape=True), Subscriber.first_name.icontains(asked, autoescape=True)
    )
