"""Exports subscribers as CSV that an import restores exactly."""

import csv
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, TextIO

from sqlalchemy import ColumnElement, Row, exists, select
from sqlalchemy.orm import Session

from newsletter.clicks import ClickObjection
from newsletter.subscribers import (
    FieldValue,
    MergeField,
    Status,
    Subscriber,
    SubscriberTag,
    Subscription,
    Tag,
    own_merge_fields,
    suppressed,
)
from newsletter.topics import Topic

COLUMNS = (
    "email", "first_name", "status", "newsletter", "zone", "created_at", "confirmed_at", "left_at", "paused_until",
)  # fmt: skip
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_PAGE = 5000
OBJECTS = "objects_to_clicks"
LANGUAGE = "language"
"""Only exported if some subscriber has a language set."""
WEEKLY = "one_mail_a_week"
EVERY_TOPIC = "*"
"""In the topics column: all topics, including future ones. An empty cell means none."""
BLOCKED = "blocked"
"""A status that only exists in files (`standing.STATUSES`)."""


def export_csv(session: Session, out: TextIO, secrets: Sequence[bytes], *only: ColumnElement[bool]) -> None:
    """Write a header and a row per subscriber, with tags and custom fields. `only`: conditions on subscribers.

    Those who left and are also suppressed become "blocked", so that an import keeps them out. `secrets`: the secret
    keys.
    """
    writer = csv.writer(out)
    own = own_merge_fields(session)
    has_own = exists().where(Subscriber.language.is_not(None), *only).select()
    named = (*COLUMNS, LANGUAGE) if session.scalar(has_own) else COLUMNS
    writer.writerow((*named, "topics", WEEKLY, OBJECTS, "tags", *(one.name for one in own)))
    columns = [getattr(Subscriber, name) for name in named]
    last = 0
    while page := session.execute(
        select(Subscriber.id, Subscriber.email_key, Subscriber.every_topic, Subscriber.digest, *columns)
        .where(Subscriber.id > last, *only)
        .order_by(Subscriber.id)
        .limit(_PAGE)
    ).all():
        first, last = page[0][0], page[-1][0]
        tags, blocked = _tags(session, first, last), _blocked(session, secrets, page)
        topics, objecting = _topics(session, first, last), _objecting(session, first, last)
        held = _held(session, own, first, last)
        for id, key, every_topic, weekly, *values in page:
            if key in blocked:
                values[COLUMNS.index("status")] = BLOCKED
            fields = [held.get((id, one.id), "") for one in own]
            listed = EVERY_TOPIC if every_topic else tag_cell(topics.get(id, ()))
            said = ("yes" if weekly else "", "yes" if id in objecting else "")
            cells = (*values, listed, *said, tag_cell(tags.get(id, ())), *fields)
            writer.writerow([guarded(_text(value)) for value in cells])


def _blocked(session: Session, secrets: Sequence[bytes], page: Sequence[Row[Any]]) -> set[str]:
    """Address keys of those who left and are also suppressed."""
    return suppressed(session, secrets, [row.email_key for row in page if row.status is Status.UNSUBSCRIBED])


def _tags(session: Session, first: int, last: int) -> dict[int, list[str]]:
    look = select(SubscriberTag.subscriber_id, Tag.name).join(Tag).order_by(Tag.name)
    found: dict[int, list[str]] = {}
    for id, name in session.execute(look.where(SubscriberTag.subscriber_id.between(first, last))):
        found.setdefault(id, []).append(name)
    return found


def _topics(session: Session, first: int, last: int) -> dict[int, list[str]]:
    look = select(Subscription.subscriber_id, Topic.name).join(Topic).order_by(Topic.name)
    found: dict[int, list[str]] = {}
    for id, name in session.execute(look.where(Subscription.subscriber_id.between(first, last))):
        found.setdefault(id, []).append(name)
    return found


def _objecting(session: Session, first: int, last: int) -> set[int]:
    look = select(ClickObjection.subscriber_id)
    return set(session.scalars(look.where(ClickObjection.subscriber_id.between(first, last))))


def _held(session: Session, own: Collection[MergeField], first: int, last: int) -> dict[tuple[int, int], str]:
    """Custom field values by (subscriber id, field id)."""
    if not own:
        return {}
    look = select(FieldValue.subscriber_id, FieldValue.field_id, FieldValue.value)
    rows = session.execute(look.where(FieldValue.subscriber_id.between(first, last)))
    return {(person, field): value for person, field, value in rows}


def tag_cell(names: Iterable[str]) -> str:
    """Tags in one cell, comma-separated; quoted if a name contains a separator."""
    listed = list(names)
    if not any(re.search(r'[,;|"]|^\[', name) for name in listed):
        return ",".join(listed)
    return ",".join('"' + name.replace('"', '""') + '"' for name in listed)


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def guarded(text: str) -> str:
    """A cell with an apostrophe before anything a spreadsheet would execute; `address.unguarded` removes it."""
    return f"'{text}" if _RISKY.match(text) else text
