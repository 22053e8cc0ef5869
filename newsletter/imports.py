"""Importing subscribers from a CSV file: in pieces, each all or nothing, and safe to start again after a stop."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import IO, Any

from sqlalchemy import func, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter.db import Database
from newsletter.journey import WORDING_VERSION
from newsletter.subscribers import (
    BadAddress,
    Consent,
    Status,
    Subscriber,
    clean_name,
    read_address,
    suppressed,
)

PIECE = 1000
"""Rows in one transaction."""
ALSO = {
    "e-mail": "email", "e-mail address": "email", "email address": "email", "mail": "email",
    "first name": "first_name", "firstname": "first_name", "forename": "first_name", "name": "first_name",
}  # fmt: skip
"""Headings that other programs write."""
TOLD = 20
"""Bad rows that are told one by one."""


class BadFile(ValueError):
    """The file cannot be read as what it should be; the message says what is wrong and what to do."""


@dataclass
class Report:
    """What an import did. `bad`: (line, reason) of the first rows that could not be used."""

    read: int = 0
    added: int = 0
    known: int = 0
    suppressed: int = 0
    refused: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)


def import_csv(database: Database, file: IO[str], basis: str, secrets: Sequence[bytes], now: datetime,
               progress: Callable[[int], None] = lambda rows: None) -> Report:  # fmt: skip
    """Add everybody in the file as confirmed, with `basis` as the consent on record.

    Nobody who is known already is changed: who left, bounced or complained stays so. Raises BadFile.
    """
    rows = csv.DictReader(file)
    try:
        names = [name.strip().lower().lstrip("\ufeff") for name in rows.fieldnames or []]
    except (csv.Error, UnicodeDecodeError) as error:
        raise _unreadable(1, error) from None
    names = [ALSO.get(name, name) for name in names]
    if "email" not in names:
        raise BadFile("The first line should name the columns, one of them “email” (and perhaps “first_name”).")
    rows.fieldnames = names
    report = Report()
    broken: list[BadFile] = []
    while not broken and (piece := list(_read(islice(rows, PIECE), rows, report, broken))):
        with database.transaction() as session:
            _add(session, piece, basis, secrets, now, report)
        progress(len(piece))
    if broken:  # what came before the line is in
        raise broken[0]
    return report


def _read(some: Iterator[dict[str, Any]], reader: Any, report: Report,
          broken: list[BadFile]) -> Iterator[dict[str, str] | None]:  # fmt: skip
    try:
        for row in some:
            report.read += 1
            try:
                address = read_address(row.get("email") or "")
                yield {"email": address.email, "key": address.key, "name": clean_name(row.get("first_name") or "")}
            except BadAddress as error:
                report.refused += 1
                if len(report.bad) < TOLD:
                    report.bad.append((reader.line_num, str(error)))
                yield None
    except (csv.Error, UnicodeDecodeError) as error:
        broken.append(_unreadable(reader.line_num + 1, error))


def _unreadable(line: int, error: Exception) -> BadFile:
    return BadFile(f"Line {line} cannot be read ({error}). The file should be CSV in UTF-8.")


def _add(session: Session, piece: list[dict[str, str] | None], basis: str, secrets: Sequence[bytes], now: datetime,
         report: Report) -> None:  # fmt: skip
    people: dict[str, dict[str, str]] = {}
    for row in piece:
        if row:
            people.setdefault(row["key"], row)  # the first line of two about one person counts
    twice = sum(1 for row in piece if row) - len(people)
    barred = suppressed(session, secrets, people)
    for key in barred:
        del people[key]
    newest = session.scalar(select(func.max(Subscriber.id))) or 0
    added = _insert(session, people, now) if people else 0
    session.execute(
        insert(Consent).from_select(
            ["subscriber_id", "newsletter", "wording", "version", "page", "form", "given_at", "confirmed_at"],
            select(
                Subscriber.id, literal(True), literal(basis[:1000]), literal(WORDING_VERSION), literal(""),
                literal("import"), literal(now, Consent.given_at.type), literal(now, Consent.given_at.type),
            ).where(Subscriber.id > newest, Subscriber.email_key.in_(people)),
        )
    )  # fmt: skip
    report.added += added
    report.suppressed += len(barred)
    report.known += len(people) - added + twice


def _insert(session: Session, people: dict[str, dict[str, str]], now: datetime) -> int:
    rows = [
        {
            "email": row["email"], "email_key": key, "first_name": row["name"], "status": Status.CONFIRMED,
            "newsletter": True, "created_at": now, "confirmed_at": now,
        }
        for key, row in people.items()
    ]  # fmt: skip
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    before = session.scalar(select(func.count()).where(Subscriber.email_key.in_(people)))
    session.execute(dialect.insert(Subscriber).on_conflict_do_nothing(), rows)
    after = session.scalar(select(func.count()).where(Subscriber.email_key.in_(people)))
    return (after or 0) - (before or 0)
