"""People as CSV, so that an import brings the same people back, to the byte."""

import csv
import re
from collections.abc import Iterable
from typing import Any, TextIO

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from newsletter.subscribers import Subscriber, SubscriberTag, Tag

COLUMNS = ("email", "first_name", "status", "newsletter", "zone", "created_at", "confirmed_at", "left_at")
_RISKY = re.compile(r"'*[=+\-@\t\r]")
_PAGE = 5000


def export_csv(session: Session, out: TextIO, *only: ColumnElement[bool]) -> None:
    """Write the header and a row for every subscriber, with their tags in the last column; `only`: of whom."""
    writer = csv.writer(out)
    writer.writerow((*COLUMNS, "tags"))
    columns = [getattr(Subscriber, name) for name in COLUMNS]
    last = 0
    while page := session.execute(
        select(Subscriber.id, *columns).where(Subscriber.id > last, *only).order_by(Subscriber.id).limit(_PAGE)
    ).all():
        first, last = page[0][0], page[-1][0]
        tags = _tags(session, first, last)
        for id, *values in page:
            writer.writerow([guarded(_text(value)) for value in (*values, tag_cell(tags.get(id, ())))])


def _tags(session: Session, first: int, last: int) -> dict[int, list[str]]:
    look = select(SubscriberTag.subscriber_id, Tag.name).join(Tag).order_by(Tag.name)
    found: dict[int, list[str]] = {}
    for id, name in session.execute(look.where(SubscriberTag.subscriber_id.between(first, last))):
        found.setdefault(id, []).append(name)
    return found


def tag_cell(names: Iterable[str]) -> str:
    """Tags in one cell; quoted when one of them holds what would separate them."""
    listed = list(names)
    if not any(re.search(r'[,;|"]|^\[', name) for name in listed):
        return ",".join(listed)
    return ",".join('"' + name.replace('"', '""') + '"' for name in listed)


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def guarded(text: str) -> str:
    """A cell that a spreadsheet would run begins with an apostrophe instead; `address.unguarded` takes it off again."""
    return f"'{text}" if _RISKY.match(text) else text
