"""The database floor: the declarative base, the types every table shares, and how a transaction begins."""

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
"""A time, or a parameter that stands for one in a statement that is built once."""
Id = BigInteger().with_variant(Integer, "sqlite")
"""A row's number. SQLite only counts up by itself on a column called INTEGER."""


IN_ONE_STATEMENT = 5_000
"""Values at most in one `IN (…)`: PostgreSQL's protocol ends at 65,535 parameters, an SQLite may at 32,766."""
CUT_OFF = 30
"""Seconds without a sign from the other side, after which a connection to PostgreSQL counts as cut, on both sides.

Less than the lease on what a worker has claimed: when that runs out, the locks of a host that is gone are gone too, and
a worker whose host was cut off is told so. The system's own times are two hours, and a quarter of one.
"""
BUSY_TIMEOUT, SCRUB_TIMEOUT = 20_000, 1_000
"""Milliseconds that SQLite waits for another's lock; and where waiting is not worth it."""
FROZEN = 60
"""Seconds that a transaction may rest: a process that is frozen in the middle of one does not keep its locks for
good."""
_CLIENT = {
    "connect_timeout": "10", "keepalives_idle": "15", "keepalives_interval": "5", "keepalives_count": "3",
    "tcp_user_timeout": str(CUT_OFF * 1000),
}  # fmt: skip
# No just-in-time compiling: it costs more than our statements do, which look large as long as a table is not analysed.
# No plan is kept for the next call: one made while a table was small reads all of it when it has a million rows.
_SERVER = (
    "SELECT set_config('jit', 'off', false), set_config('plan_cache_mode', 'force_custom_plan', false), "
    f"set_config('idle_in_transaction_session_timeout', '{FROZEN}s', false), "
    "set_config('tcp_keepalives_idle', '15', false), set_config('tcp_keepalives_interval', '5', false), "
    f"set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '{CUT_OFF * 1000}', false)"
)


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """These values in pieces of at most `size` (itertools.batched, which Python 3.11 lacks)."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


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


@dataclass_transform(kw_only_default=True)
class Base(DeclarativeBase):
    """Every table. `datetime` columns are aware UTC; a StrEnum is stored as its value.

    To a type checker (PEP 681) a record's constructor takes its columns by keyword, and those without `mapped_column()`
    behind them are never left out.
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
        """Set the columns' plain defaults at once, not only at the flush: a new record obeys its own rules too.

        Raises TypeError for a name that the record does not have.
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
    """Lock a row until the transaction ends, and read it anew. Raises Gone."""
    try:
        session.refresh(row, with_for_update=True)
    except InvalidRequestError as error:
        raise Gone(f"this {type(row).__name__.lower()} has been deleted") from error


def one_of(column: str, codes: type[StrEnum]) -> CheckConstraint:
    """That a column holds one of these codes."""
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def holds(session: Session, condition: ColumnElement[bool]) -> bool:
    """Whether this is so just now."""
    return bool(session.scalar(select(condition)))


def was_broken_off(error: DBAPIError) -> bool:
    """Whether the database ended this transaction to let another one finish (a deadlock): it may be made again."""
    return getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


def names_what_is_gone(error: DBAPIError) -> bool:
    """Whether a row that this transaction refers to was deleted in this moment (a foreign key): made again, it finds
    out by itself."""
    return getattr(error.orig, "sqlstate", None) == "23503"


def without(address: str, text: str) -> str:
    """A text without an address that was erased, in whatever letters it is written."""
    return re.sub(re.escape(address), "[erased]", text, flags=re.IGNORECASE)


def without_inside(address: str, value: Any) -> Any:
    """The same of all texts that a value of a JSON column holds."""
    if isinstance(value, str):
        return without(address, value)
    if isinstance(value, list):
        return [without_inside(address, one) for one in value]
    if isinstance(value, dict):
        return {name: without_inside(address, one) for name, one in value.items()}
    return value


class Database:
    """One engine and the two ways to open a session on it. Nothing connects before the first use."""

    def __init__(self, url: str, **engine_options: Any) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine: Engine = create_engine(
            url if self.is_sqlite else _watched(url),
            pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # an error names the statement, never the address that was in it
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
        """A session that commits when the block ends well and rolls back when it raises."""
        with self._writer.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for looking only: it never waits for a writer, and what it changes is not kept."""
        with self._reader() as session:
            yield session

    def scrub(self) -> bool:
        """Take what was deleted out of SQLite's write-ahead log, too. False: somebody reads from it; ask again later.

        PostgreSQL looks after its own: a deleted row is gone when the next (auto)vacuum has been.
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
        """Write SQLite's file anew, without what was deleted before deleting overwrote it. Takes as long as a copy."""
        if self.is_sqlite:
            raw = self.engine.raw_connection()
            try:
                raw.execute("VACUUM")
            finally:
                raw.close()
            self.scrub()

    def server_time(self) -> datetime | None:
        """What the database server's clock shows; None: it cannot be reached, or there is none (SQLite)."""
        if self.is_sqlite:
            return None
        try:
            with self.engine.connect() as connection:
                return connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
        except DBAPIError:
            return None

    def dispose(self) -> None:
        """Close every pooled connection (after a fork, before an end)."""
        self.engine.dispose()


def _watched(url: str) -> URL:
    """The URL with our times for a connection that is cut, where it names none of its own."""
    given = make_url(url)
    return given.update_query_dict({name: value for name, value in _CLIENT.items() if name not in given.query})


def _postgresql_connected(connection: Any, _record: Any) -> None:
    # By a statement, not as options of the start: a pooler in between (PgBouncer) refuses those it does not know.
    connection.autocommit = True
    connection.execute(_SERVER)
    connection.autocommit = False


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver starts no transaction by itself: `_sqlite_begun` does
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: a commit is on the disk before it is believed, so that a power cut cannot forget a mail that was sent.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not only let go (UK GDPR Art. 17)
    cursor.execute("PRAGMA cache_size = -16000")  # KiB
    cursor.close()


def _sqlite_begun(connection: Any) -> None:
    # IMMEDIATE takes the write lock at once: a read that turns into a write later would fail with "locked".
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
