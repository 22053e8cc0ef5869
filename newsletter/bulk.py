"""Passes many rows in one statement, as one JSON value that either database reads as a table.

A parameter for each value costs more than the rows do: the driver searches the statement's text for it, and PostgreSQL
allows only 65,535.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from operator import is_, itemgetter
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    FromClause,
    Text,
    cast,
    column,
    func,
    literal,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsletter.db import Base, UtcDateTime

Row = Mapping[str, Any]
_PLANNING = text("SELECT set_config('plan_cache_mode', :plans, true), set_config('enable_seqscan', :whole, true)")


@contextmanager
def keeping_plans(session: Session) -> Iterator[None]:
    """Let PostgreSQL plan once what it does per row: checking foreign keys, cascading deletes.

    Otherwise it plans for every row (`plan_cache_mode`, in `db`), which takes longer than the row. Sequential scans are
    disabled, because a plan made while a table is small would be kept when it is large. Use it for writing only: such
    plans are rarely the best for reading.
    """
    if session.get_bind().dialect.name == "sqlite":
        yield
        return
    session.execute(_PLANNING, {"plans": "force_generic_plan", "whole": "off"})
    yield
    session.execute(_PLANNING, {"plans": "force_custom_plan", "whole": "on"})  # an error ends it with the transaction


def given(session: Session, rows: Sequence[Row], columns: Collection[Any]) -> FromClause:
    """These rows as a table. Each has a value for each column, by name."""
    dialect = session.get_bind().dialect
    handed = json.dumps(rows, ensure_ascii=False, check_circular=False, default=_instants(dialect))
    if dialect.name == "sqlite":
        found = func.json_each(handed).table_valued("value")
        read = (func.json_extract(found.c.value, f"$.{one.name}", type_=one.type).label(one.name) for one in columns)
        return select(*read).subquery()
    typed = (column(one.name, one.type) for one in columns)
    found = func.json_to_recordset(cast(literal(handed, Text), JSON)).table_valued(*typed)
    return found.render_derived(with_types=True)


def _instants(dialect: Dialect) -> Callable[[datetime], str]:
    """How this database writes times as text, cached because most rows share them."""
    process = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    return cache(lambda at: str(process(at) if process else at))


def is_given(session: Session, whose: InstrumentedAttribute[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """The condition that a column has one of these values, however many there are."""
    rows = given(session, [{whose.key: value} for value in values], [whose])
    return whose.in_(select(rows.c[whose.key]))


def insert_into(session: Session, model: type[Base]) -> Any:
    """An INSERT that supports ON CONFLICT in this database's dialect."""
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(model.__table__)


def insert_rows(session: Session, put: Any, rows: Sequence[Row]) -> list[Any]:
    """Insert these rows, which have the same columns, in one statement. `put`: the INSERT without values.

    Returns the rows of its RETURNING clause, if it has one.
    """
    if not rows:
        return []
    first, *others = rows[0]
    columns = put.table.c
    # Values shared by all rows are passed once: they are most of the data.
    shared = {one: rows[0][one] for one in others if _is_shared(one, rows)}
    own = [first, *(one for one in others if one not in shared)]
    source = given(session, [{one: row[one] for one in own} for row in rows], [columns[one] for one in own])
    values = (literal(shared[one], columns[one].type) if one in shared else source.c[one] for one in rows[0])
    # A WHERE clause, because SQLite would otherwise parse ON CONFLICT as a join's.
    done = session.connection().execute(put.from_select(list(rows[0]), select(*values).where(true())))
    return list(done.all()) if done.returns_rows else []


def _is_shared(name: str, rows: Sequence[Row]) -> bool:
    """Whether all rows hold the same object under this name, without a Python loop: it runs for every value."""
    return all(map(partial(is_, rows[0][name]), map(itemgetter(name), rows)))
