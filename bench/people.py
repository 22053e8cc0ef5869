"""Inserts up to millions of confirmed newsletter subscribers directly into the table."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

MIXED = (
    "Anna", "Ben", "Chloë", "David", "Elif", "Fatima", "George", "Hannah", "Ivan", "Jürgen", "Kim", "Łukasz", "María",
    "Nadia", "Oliver", "Priya", "Quentin", "Rosa", "Siân", "Tom", "Uma", "Victor", "Wendy", "Xavier", "Yusuf", "Zoë",
    "Ольга", "美咲", "",
)  # fmt: skip
STEMS = ("Al", "Bern", "Car", "Dan", "El", "Fran", "Ger", "Hel", "Is", "Jo", "Kat", "Lu", "Mar", "Nic", "Ros", "Ste")
ENDS = (
    "a", "an", "bert", "cia", "da", "ela", "ena", "ette", "fred", "ia", "ice", "ie", "ina", "inda", "io", "is", "ita",
    "la", "le", "lyn", "nan", "no", "ric", "rina", "sie", "son", "ta", "ton", "via", "win", "ya", "zo",
)  # fmt: skip
COLUMNS = ("email", "email_key", "first_name", "status", "newsletter", "created_at", "confirmed_at")


def first_name(number: int) -> str:
    """One of 540 names, as varied as a London practice's list: 5% need encoding, one in 145 is empty."""
    if number % 5 == 0:
        return MIXED[number // 5 % len(MIXED)]
    return STEMS[number // 32 % len(STEMS)] + ENDS[number % len(ENDS)]


def add(url: str, first: int, until: int) -> None:
    """Insert subscribers `first` … `until` − 1, and on PostgreSQL update the statistics."""
    if url.startswith("sqlite:///"):
        _add_sqlite(url.removeprefix("sqlite:///"), first, until)
        return
    with psycopg.connect(url, autocommit=True) as connection:
        command = f"COPY subscribers ({', '.join(COLUMNS)}) FROM STDIN"
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(command) as copy:
            for row in _rows(first, until):
                copy.write_row(row)
        # Autovacuum would do this within a minute, but the benchmark starts at once.
        connection.execute("VACUUM (ANALYZE) subscribers")


def _add_sqlite(path: str, first: int, until: int) -> None:
    connection = sqlite3.connect(path, timeout=30)
    marks = ", ".join("?" * len(COLUMNS))
    with connection:
        rows = ((*row[:-2], *(moment.replace(tzinfo=None).isoformat(" ") for moment in row[-2:])) for row in
                _rows(first, until))  # fmt: skip
        connection.executemany(f"INSERT INTO subscribers ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
    connection.close()


def _rows(first: int, until: int) -> Iterator[tuple[str, str, str, str, bool, datetime, datetime]]:
    now = datetime.now(UTC)
    for number in range(first, until):
        email = f"reader{number}@example{number % 997}.org"
        yield email, email, first_name(number), "confirmed", True, now, now
