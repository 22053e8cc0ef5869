"""Search: finds subscribers by text that an owner types."""

from sqlalchemy import ColumnElement, or_

from newsletter.subscribers.subscriber import Subscriber

LAST = "\U0010ffff"
"""Sorts after every character of an address."""


def found_by(asked: str) -> ColumnElement[bool]:
    """SQL condition: address or first name contains this text; with an @, the address starts with it."""
    key = asked.lower()
    if "@" in asked.strip("@"):
        return Subscriber.email_key.between(key, f"{key}{LAST}")  # a range of the unique index
    return or_(
        Subscriber.email_key.contains(key, autoescape=True), Subscriber.first_name.icontains(asked, autoescape=True)
    )
