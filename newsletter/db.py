"""The database floor: the declarative base, the types every table shares, and how a transaction begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.schema import ScalarElementColumnDefault

Id = BigInteger().with_variant(Integer, "sqlite")
"""A row's number. SQLite only counts up by itself on a column called INTEGER."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; refuses a naive one, gives back an aware one on SQLite too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database: UTC; SQLite keeps it without the zone. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime may not be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database: aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table. `datetime` columns are aware UTC; a StrEnum is stored as its value."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: UtcDateTime(),
        StrEnum: Enum(StrEnum, native_enum=False, length=16, values_callable=lambda e: [m.value for m in e]),
    }

    def __init__(self, **values: Any) -> None:
        """Set the columns' plain defaults at once, not only at the flush: a new record obeys its own rules too."""
        for key, column in inspect(type(self)).columns.items():
            if key not in values and isinstance(column.default, ScalarElementColumnDefault):
                values[key] = column.default.arg
        for key, value in values.items():
            setattr(self, key, value)


class Database:
    """One engine and the two ways to open a session on it. Nothing connects before the first use."""

    def __init__(self, url: str, **engine_options: Any) -> None:
        self.engine: Engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), **engine_options)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_connected)
            event.listen(self.engine, "begin", _sqlite_begun)
        reading = self.engine.execution_options(reading=True)
        self._writer = sessionmaker(self.engine, expire_on_commit=False)
        self._reader = sessionmaker(reading, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends well and rolls back when it raises."""
        with self._writer.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for looking only: it never waits for a writer, and what it changes is not kept."""
        with self._reader() as session:
            yield session

    def dispose(self) -> None:
        """Close every pooled connection (after a fork, before an end)."""
        self.engine.dispose()


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver starts no transaction by itself: `_sqlite_begun` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 20000")  # ms
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit is on the disk before it is believed, so that a power cut cannot forget a mail that was sent.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -16000")  # KiB
    cursor.close()


def _sqlite_begun(connection: Any) -> None:
    # IMMEDIATE takes the write lock at once: a read that turns into a write later would fail with "locked".
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
