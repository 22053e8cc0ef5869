"""FieldValue: one subscriber's value of a custom field."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Double, ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import insert_into, insert_rows
from newsletter.db import IN_ONE_STATEMENT, Base, batched
from newsletter.subscribers.field import LONGEST_VALUE, Field
from newsletter.subscribers.merge_field import BUILT_IN, FieldKind, MergeField
from newsletter.subscribers.subscriber import Subscriber

FOLDED = 200
"""Length of the prefix by which values are compared."""


class FieldValue(Base):
    """One value; there is no row for an empty one."""

    __tablename__ = "field_values"
    __table_args__ = (
        Index("ix_field_values_field_id_folded", "field_id", "folded"),
        Index("ix_field_values_field_id_number", "field_id", "number"),
    )

    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey(Field.id, ondelete="CASCADE"), primary_key=True)
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE))
    """As returned by `Field.read`."""
    folded: Mapped[str] = mapped_column(String(FOLDED).with_variant(String(FOLDED, collation="C"), "postgresql"))
    """Case-folded for searching. Collated by code point, so that dates sort and prefixes use the index on both
    databases."""
    number: Mapped[float | None] = mapped_column(Double)
    """The value as a number, for number fields."""


def folded(value: str) -> str:
    """A value case-folded and truncated for comparison."""
    return value.casefold()[:FOLDED]


def stored(field: Field, value: str) -> dict[str, str | float | None]:
    """The columns for a value returned by `Field.read`."""
    number = float(value) if field.kind is FieldKind.NUMBER else None
    return {"value": value, "folded": folded(value), "number": number}


def values_of(session: Session, subscriber_id: int) -> dict[int, str]:
    """A subscriber's values by field id."""
    look = select(FieldValue.field_id, FieldValue.value).where(FieldValue.subscriber_id == subscriber_id)
    return dict(session.execute(look).all())


def held(session: Session, subscriber_id: int) -> list[tuple[Field, str]]:
    """A subscriber's fields and values, in field order."""
    look = select(Field, FieldValue.value).join(FieldValue, FieldValue.field_id == Field.id)
    rows = session.execute(look.where(FieldValue.subscriber_id == subscriber_id).order_by(Field.id))
    return [(field, value) for field, value in rows]


def set_values(session: Session, subscriber_id: int, values: Mapping[Field, str]) -> None:
    """Set these values, as returned by `Field.read`; "" deletes one. Other fields are unchanged."""
    gone = [field.id for field, value in values.items() if not value]
    if gone:
        its = (FieldValue.subscriber_id == subscriber_id, FieldValue.field_id.in_(gone))
        session.execute(delete(FieldValue).where(*its))
    hold(session, [
        {"subscriber_id": subscriber_id, "field_id": field.id, **stored(field, value)}
        for field, value in values.items() if value
    ])  # fmt: skip


def hold(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Upsert these rows. Safe under concurrency."""
    fresh = insert_into(session, FieldValue)
    columns = {name: fresh.excluded[name] for name in ("value", "folded", "number")}
    put = fresh.on_conflict_do_update(index_elements=["subscriber_id", "field_id"], set_=columns)
    insert_rows(session, put, rows)


def own_values(session: Session, fields: Iterable[MergeField], who: Collection[int]) -> dict[int, dict[str, str]]:
    """Values of these custom fields by subscriber id and merge field name. `who`: subscriber ids."""
    names = {one.id: one.name for one in fields}
    found: dict[int, dict[str, str]] = {}
    if not names:
        return found
    look = select(FieldValue.subscriber_id, FieldValue.field_id, FieldValue.value).where(FieldValue.field_id.in_(names))
    # An explicit IN list tells the planner how few rows there are, so that it uses the primary key.
    for some in batched(list(who), IN_ONE_STATEMENT // 2):
        for person, field, value in session.connection().execute(look.where(FieldValue.subscriber_id.in_(some))).all():
            found.setdefault(person, {})[names[field]] = value
    return found


def merged(session: Session, subscriber: Subscriber | None, own: Collection[MergeField]) -> dict[str, str]:
    """All merge field values of one subscriber: built-in ones and these custom fields. None gives {}."""
    if subscriber is None:
        return {}
    built_in = {one.name: str(getattr(subscriber, one.name)) for one in BUILT_IN}
    return {**built_in, **own_values(session, own, [subscriber.id]).get(subscriber.id, {})}
