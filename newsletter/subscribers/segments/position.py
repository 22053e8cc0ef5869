"""SQL conditions on where people are in series. A person's few enrollments are found by subscriber id; the next step is
computed per place, of which there are a few dozen, not per person."""

from sqlalchemy import Boolean, ColumnElement, Exists, FromClause, and_, exists, not_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from newsletter.subscribers.segments.above import ENROLLMENTS, FINISHED, LIVE, PLACES, STEPS, STOPPED
from newsletter.subscribers.segments.rules import Stage
from newsletter.subscribers.subscriber import Subscriber


class is_among(FunctionElement[bool]):  # noqa: N801 - used like an SQL function
    """`is_among(number, listed)`: whether a JSON list of numbers contains a number."""

    type = Boolean()
    inherit_cache = True


@compiles(is_among, "sqlite")
def _in_sqlite(element: is_among, compiler: SQLCompiler, **given: object) -> str:
    number, listed = (compiler.process(one, **given) for one in element.clauses)
    return f"({number} IN (SELECT value FROM json_each({listed})))"  # noqa: S608 - contains only columns


@compiles(is_among, "postgresql")
def _in_postgresql(element: is_among, compiler: SQLCompiler, **given: object) -> str:
    number, listed = (compiler.process(one, **given) for one in element.clauses)
    return f"(CAST({listed} AS jsonb) @> to_jsonb({number}))"


def in_series(series: int, stage: Stage) -> ColumnElement[bool]:
    """SQL condition: at this stage of the series. Nobody runs it twice, but somebody stopped may restart."""
    match stage:
        case Stage.IN:
            return _enrolled(series, ENROLLMENTS.c.status.in_(LIVE))
        case Stage.FINISHED:
            return _enrolled(series, ENROLLMENTS.c.status == FINISHED)
        case Stage.STOPPED:
            return and_(_enrolled(series), not_(_enrolled(series, ENROLLMENTS.c.status != STOPPED)))
        case Stage.NEVER:
            return not_(_enrolled(series))


def _enrolled(series: object, *which: ColumnElement[bool]) -> Exists:
    theirs = (ENROLLMENTS.c.subscriber_id == Subscriber.id, ENROLLMENTS.c.sequence_id == series, *which)
    return select(ENROLLMENTS.c.subscriber_id).where(*theirs).correlate(Subscriber).exists()


def at_step(step: int) -> ColumnElement[bool]:
    """SQL condition: enrolled, and this is the next step, that is the first one not closed at their place."""
    here, sooner = STEPS.alias("here"), STEPS.alias("sooner")
    before = (
        sooner.c.sequence_id == here.c.sequence_id, sooner.c.deleted_at.is_(None), sooner.c.position < here.c.position,
    )  # fmt: skip
    is_first = exists().where(here.c.id == step, ~exists().where(*before).correlate(here)).correlate(None)
    open_before = exists().where(*before, not_(_is_closed(sooner))).correlate(here, PLACES)
    places = select(PLACES.c.id).where(
        here.c.id == step, PLACES.c.sequence_id == here.c.sequence_id, not_(_is_closed(here)), ~open_before
    )
    series = select(STEPS.c.sequence_id).where(STEPS.c.id == step).scalar_subquery()
    stands = or_(ENROLLMENTS.c.place_id.in_(places), ENROLLMENTS.c.place_id.is_(None) & is_first)
    return _enrolled(series, ENROLLMENTS.c.status.in_(LIVE), stands)


def _is_closed(step: FromClause) -> ColumnElement[bool]:
    """SQL condition: people at a place no longer get this step; they had it, or it was added behind them."""
    return or_(is_among(step.c.id, PLACES.c.had), is_among(step.c.id, PLACES.c.skipped))
