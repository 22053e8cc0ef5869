"""FieldValue: what is held of one reader in one field of the owner's."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Double, ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import insert_into, insert_rows
from newsletter.db import IN_ONE_STATEMENT, Base, batched
from newsletter.subscribers.field import LONGEST_VALUE, Field
from newsletter.subscribers.merge_field import BUILT_IN, FieldKind, MergeField
from newsletter.subscribers.subscriber import Subscriber

FOLDED = 200
"""Characters by which two values are compared."""


class FieldValue(Base):
    """One value. Nothing typed is no row."""

    __tablename__ = "field_values"
    __table_args__ = (
        Index("ix_field_values_field_id_folded", "field_id", "folded"),
        Index("ix_field_values_field_id_number", "field_id", "number"),
    )

    subscriber_id: Mapped[int] = mapped_column(ForeignKey(Subscriber.id, ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey(Field.id, ondelete="CASCADE"), primary_key=True)
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE))
    """As `Field.read` gives it."""
    folded: Mapped[str] = mapped_column(String(FOLDED).with_variant(String(FOLDED, collation="C"), "postgresql"))
    """The same as it is looked for: “London” and “LONDON” are one town. Days are in order, and a beginning is found by
    the index on both databases."""
    number: Mapped[float | None] = mapped_column(Double)
    """The same as a number, in fields that hold numbers."""


def folded(value: str) -> str:
    """A value as it is looked for."""
    return value.casefold()[:FOLDED]


def stored(field: Field, value: str) -> dict[str, str | float | None]:
    """The columns that hold a value that was read."""
    number = float(value) if field.kind is FieldKind.NUMBER else None
    return {"value": value, "folded": folded(value), "number": number}


def values_of(session: Session, subscriber_id: int) -> dict[int, str]:
    """What is held of a reader, by the field's number."""
    look = select(FieldValue.field_id, FieldValue.value).where(FieldValue.subscriber_id == subscriber_id)
    return dict(session.execute(look).all())


def held(session: Session, subscriber_id: int) -> list[tuple[Field, str]]:
    """What is held of a reader, in the order of the fields."""
    look = select(Field, FieldValue.value).join(FieldValue, FieldValue.field_id == Field.id)
    rows = session.execute(look.where(FieldValue.subscriber_id == subscriber_id).order_by(Field.id))
    return [(field, value) for field, value in rows]


def set_values(session: Session, subscriber_id: int, values: Mapping[Field, str]) -> None:
    """Hold these values of a reader, as `Field.read` gave them; "" takes one away. Other fields stay as they are."""
    gone = [field.id for field, value in values.items() if not value]
    if gone:
        its = (FieldValue.subscriber_id == subscriber_id, FieldValue.field_id.in_(gone))
        session.execute(delete(FieldValue).where(*its))
    hold(session, [
        {"subscriber_id": subscriber_id, "field_id": field.id, **stored(field, value)}
        for field, value in values.items() if value
    ])  # fmt: skip


def hold(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Write these rows; one that is there already is written anew. Safe against two at once."""
    fresh = insert_into(session, FieldValue)
    columns = {name: fresh.excluded[name] for name in ("value", "folded", "number")}
    put = fresh.on_conflict_do_update(index_elements=["subscriber_id", "field_id"], set_=columns)
    insert_rows(session, put, rows)


def own_values(session: Session, fields: Iterable[MergeField], who: Collection[int]) -> dict[int, dict[str, str]]:
    """What these own fields hold of these readers, by their numbers and by the names that mails know the fields by."""
    names = {one.id: one.name for one in fields}
    found: dict[int, dict[str, str]] = {}
    if not names:
        return found
    look = select(FieldValue.subscriber_id, FieldValue.field_id, FieldValue.value).where(FieldValue.field_id.in_(names))
    # They are named one by one, so that the planner knows how few they are and asks the primary key.
    for some in batched(list(who), IN_ONE_STATEMENT // 2):
        for person, field, value in session.connection().execute(look.where(FieldValue.subscriber_id.in_(some))).all():
            found.setdefault(person, {})[names[field]] = value
    return found


def merged(session: Session, subscriber: Subscriber | None, own: Collection[MergeField]) -> dict[str, str]:
    """What a mail may say of one reader: what is built in, and these own fields. Nobody: nothing."""
    if subscriber is None:
        return {}
    built_in = {one.name: str(getattr(subscriber, one.name)) for one in BUILT_IN}
    return {**built_in, **own_values(session, own, [subscriber.id]).get(subscriber.id, {})}
