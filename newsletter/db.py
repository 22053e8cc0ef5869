"""The database layer: the declarative base, types shared by all tables, and how transactions begin."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, dataclass_transform

from sqlalchemy import (
    URL,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    Dialect,
    Engine,
    Enum,
    Integer,
    MetaData,
    TypeDecorator,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.sql.schema import ScalarElementColumnDefault

T = TypeVar("T")
Moment = datetime | ColumnElement[datetime]
"""A time, or a parameter for one in a statement that is built once."""
Id = BigInteger().with_variant(Integer, "sqlite")
"""A row's id. SQLite autoincrements only INTEGER columns."""


IN_ONE_STATEMENT = 5_000
"""Values in one `IN (…)` at most: PostgreSQL's protocol allows 65,535 parameters, some SQLite builds 32,766."""
CUT_OFF = 30
"""Seconds of silence after which either side considers a PostgreSQL connection lost.

Less than a claim's lease: when that runs out, a lost host's locks are released, and a worker whose host was cut off
gets an error. The system's defaults are two hours, and a quarter of an hour.
"""
BUSY_TIMEOUT, SCRUB_TIMEOUT = 20_000, 1_000
"""Milliseconds SQLite waits for a lock: normally, and where waiting is not worth it."""
FROZEN = 60
"""Seconds a transaction may be idle: a process frozen in the middle of one must not keep its locks for ever."""
_CLIENT = {
    "connect_timeout": "10", "keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3",
    "tcp_user_timeout": str(CUT_OFF * 1000),
}  # fmt: skip
# No JIT: it costs more than our statements, which look expensive while a table has no statistics. No cached plans: one
# made while a table was small reads all of it when it has a million rows.
_SERVER = (
    "SELECT set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_custom_plan', false), "
    f"set_config('idle_in_transaction_session_timeout', '{FROZEN}s', false), "
    "set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false), "
    f"set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '{CUT_OFF * 1000}', false)"
)


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield these values in pieces of at most `size` (itertools.batched, which Python 3.11 lacks)."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; refuses naive ones, and returns aware ones on SQLite too."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; SQLite stores it without a zone. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime may not be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass_transform(kw_only_default=True)
class Base(DeclarativeBase):
    """The base of every table. `datetime` columns are aware UTC; a StrEnum is stored as its value.

    To a type checker (PEP 681) a record's constructor takes its columns by keyword, and those without `mapped_column()`
    are required.
    """

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
        """Set the columns' plain defaults at once, not only at the flush: a new record's methods rely on them.

        Raises TypeError for an unknown name.
        """
        if unknown := [name for name in values if not hasattr(type(self), name)]:
            raise TypeError(f"{type(self).__name__} has no {', '.join(unknown)}")
        for key, column in inspect(type(self)).columns.items():
            if key not in values and isinstance(column.default, ScalarElementColumnDefault):
                values[key] = column.default.arg
        for key, value in values.items():
            setattr(self, key, value)


class Gone(LookupError):
    """The row has been deleted since it was read."""


def lock(session: Session, row: Base) -> None:
    """Lock a row until the transaction ends, and reread it. Raises Gone."""
    try:
        session.refresh(row, with_for_update=True)
    except InvalidRequestError as error:
        raise Gone(f"this {type(row).__name__.lower()} has been deleted") from error


def one_of(column: str, codes: type[StrEnum]) -> CheckConstraint:
    """The constraint that a column holds one of these codes."""
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def holds(session: Session, condition: ColumnElement[bool]) -> bool:
    """Whether a condition holds now."""
    return bool(session.scalar(select(condition)))


def was_broken_off(error: DBAPIError) -> bool:
    """Whether the database aborted this transaction because of a deadlock or conflict: it can be retried."""
    return getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


def names_what_is_gone(error: DBAPIError) -> bool:
    """Whether a row this transaction refers to has just been deleted (a foreign key): a retry will notice."""
    return getattr(error.orig, "sqlstate", None) == "23503"


def without(address: str, text: str) -> str:
    """Text with an erased address replaced, in upper or lower case."""
    return re.sub(re.escape(address), "[erased]", text, flags=re.IGNORECASE)


def without_inside(address: str, value: Any) -> Any:
    """A JSON column's value with the address replaced in all its texts."""
    if isinstance(value, str):
        return without(address, value)
    if isinstance(value, list):
        return [without_inside(address, one) for one in value]
    if isinstance(value, dict):
        return {name: without_inside(address, one) for name, one in value.items()}
    return value


class Database:
    """One engine, and two ways to open a session on it. Nothing connects before the first use."""

    def __init__(self, url: str, **engine_options: Any) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine: Engine = create_engine(
            url if self.is_sqlite else _watched(url),
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # errors show the statement, never the addresses in it
            **engine_options,
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_connected)
            event.listen(self.engine, "begin", _sqlite_begun)
        else:
            event.listen(self.engine, "connect", _postgresql_connected)
        reading = self.engine.execution_options(reading=True)
        self._writer = sessionmaker(self.engine, expire_on_commit=False)
        self._reader = sessionmaker(reading, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session that commits when the block succeeds and rolls back when it raises."""
        with self._writer.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a read-only session: it never waits for a writer, and its changes are discarded."""
        with self._reader() as session:
            yield session

    def scrub(self) -> bool:
        """Remove deleted data from SQLite's write-ahead log too; return False if a reader prevents it: retry later.

        PostgreSQL needs nothing: a deleted row is gone after the next (auto)vacuum.
        """
        if not self.is_sqlite:
            return True
        raw = self.engine.raw_connection()
        try:
            raw.execute(f"PRAGMA busy_timeout = {SCRUB_TIMEOUT}")
            (busy, *_) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
            return not busy
        finally:
            raw.close()

    def rewrite(self) -> None:
        """Rewrite SQLite's file without data deleted before secure_delete was on. Takes as long as a copy."""
        if self.is_sqlite:
            raw = self.engine.raw_connection()
            try:
                raw.execute("VACUUM")
            finally:
                raw.close()
            self.scrub()

    def server_time(self) -> datetime | None:
        """The database server's time; None if it cannot be reached, or for SQLite."""
        if self.is_sqlite:
            return None
        try:
            with self.engine.connect() as connection:
                return connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
        except DBAPIError:
            return None

    def dispose(self) -> None:
        """Close every pooled connection (after a fork, or at the end)."""
        self.engine.dispose()


def _watched(url: str) -> URL:
    """The URL with our timeouts for lost connections, unless it sets its own."""
    given = make_url(url)
    return given.update_query_dict({name: value for name, value in _CLIENT.items() if name not in given.query})


def _postgresql_connected(connection: Any, _record: Any) -> None:
    # By a statement, not as startup options: a pooler such as PgBouncer refuses those it does not know.
    connection.autocommit = True
    connection.execute(_SERVER)
    connection.autocommit = False


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_sqlite_begun` starts transactions, not the driver
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit is on disk before it counts, so that a power cut cannot lose the record of a sent mail.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # deleted data is overwritten, not only unlinked (UK GDPR Art. 17)
    cursor.execute("PRAGMA cache_size = -16000")  # KiB
    cursor.close()


def _sqlite_begun(connection: Any) -> None:
    # IMMEDIATE takes the write lock at once: a read that later became a write would fail with "locked".
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
