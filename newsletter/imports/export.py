"""Exports subscribers as CSV that an import restores exactly."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
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
    """Write all pieces (`csv_pieces`) as one session sees them."""
    for piece in csv_pieces(lambda: nullcontext(session), secrets, *only):
        out.write(piece)


def csv_pieces(reading: Callable[[], AbstractContextManager[Session]], secrets: Sequence[bytes],
               *only: ColumnElement[bool]) -> Iterator[str]:  # fmt: skip
    """Yield a header and a row per subscriber, with tags and custom fields. `only`: conditions on subscribers.

    Each piece holds a few thousand rows and is read in a session of its own, so a slow reader keeps no connection
    waiting and a million people are never in memory. Those who left and are also suppressed become "blocked", so that
    an import keeps them out. `secrets`: the secret keys.
    """
    with reading() as session:
        sheet = _Sheet(session, secrets, only)
        yield sheet.written([sheet.header])
    last = 0
    while True:
        with reading() as session:
            page = sheet.page(session, last)
            rows = sheet.rows(session, page) if page else []
        if not page:
            return
        last = page[-1][0]
        yield sheet.written(rows)


class _Sheet:
    """What each piece of one file has in common."""

    def __init__(self, session: Session, secrets: Sequence[bytes], only: Sequence[ColumnElement[bool]]) -> None:
        has_own = exists().where(Subscriber.language.is_not(None), *only).select()
        self._own = own_merge_fields(session)
        self._named = (*COLUMNS, LANGUAGE) if session.scalar(has_own) else COLUMNS
        self._secrets, self._only = secrets, only

    @property
    def header(self) -> Sequence[str]:
        return (*self._named, "topics", WEEKLY, OBJECTS, "tags", *(one.name for one in self._own))

    def page(self, session: Session, last: int) -> Sequence[Row[*tuple[Any, ...]]]:
        """The next people behind this number."""
        columns = [getattr(Subscriber, name) for name in self._named]
        look = select(Subscriber.id, Subscriber.email_key, Subscriber.every_topic, Subscriber.digest, *columns)
        return session.execute(
            look.where(Subscriber.id > last, *self._only).order_by(Subscriber.id).limit(_PAGE)
        ).all()  # fmt: skip

    def rows(self, session: Session, page: Sequence[Row[*tuple[Any, ...]]]) -> list[list[str]]:
        first, last = page[0][0], page[-1][0]
        tags, blocked = _tags(session, first, last), _blocked(session, self._secrets, page)
        topics, objecting = _topics(session, first, last), _objecting(session, first, last)
        held = _held(session, self._own, first, last)
        made = []
        for id, key, every_topic, weekly, *values in page:
            if key in blocked:
                values[COLUMNS.index("status")] = BLOCKED
            fields = [held.get((id, one.id), "") for one in self._own]
            listed = EVERY_TOPIC if every_topic else tag_cell(topics.get(id, ()))
            said = ("yes" if weekly else "", "yes" if id in objecting else "")
            cells = (*values, listed, *said, tag_cell(tags.get(id, ())), *fields)
            made.append([guarded(_text(value)) for value in cells])
        return made

    def written(self, rows: Iterable[Sequence[str]]) -> str:
        out = io.StringIO(newline="")
        csv.writer(out).writerows(rows)
        return out.getvalue()


def _blocked(session: Session, secrets: Sequence[bytes], page: Sequence[Row[*tuple[Any, ...]]]) -> set[str]:
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
