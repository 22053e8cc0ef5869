"""Field: a custom field that an owner defines for subscribers, such as a town, a birthday or a size.

Each value is a row (`field_value`), so custom fields do not widen the rows that every claim reads. Why not a JSON
column: docs/decisions.
"""

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import JSON, CheckConstraint, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, validates

from newsletter import characters
from newsletter.db import Base, Id
from newsletter.languages import said
from newsletter.subscribers.faults import BadValue, ValueFault
from newsletter.subscribers.merge_field import BUILT_IN, NO, OWN, YES, FieldKind, MergeField

LONGEST_KEY, LONGEST_LABEL, LONGEST_FALLBACK = 40, 80, 200
LONGEST_VALUE = 500
"""Characters; short enough for an index on either database."""
MOST_FIELDS, MOST_CHOICES = 200, 100
RESERVED = frozenset((
    "email", "e_mail", "mail", "last_name", "name", "greeting", "zone", "status", "newsletter", "topics", "tags",
    "tag", "created_at", "confirmed_at", "left_at", "guide", "website", "agreed", "page", "token", "csrf_token", "form",
    "id", "fields", "brand", "site_url", "library_url", "preferences_url", "view_url", "unsubscribe_url", "guide_pdf",
    *(one.name for one in BUILT_IN),
))  # fmt: skip
"""Keys that already have a meaning in mails, forms, imports or exports."""
_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_YES = frozenset(("yes", "y", "true", "1", "on", "x"))
_NO = frozenset(("no", "n", "false", "0", "off"))
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,10}|,(?!\d{3}\Z)\d{1,10})?\Z", re.ASCII)
"""A comma is a decimal separator; the ambiguous “1,200” is refused."""
_UNSEEN = re.compile("[\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""Direction overrides and invisible characters."""


class BadField(ValueError):
    """An invalid field definition; the message says why and what to do. `part`: the attribute at fault."""

    def __init__(self, part: str, told: str) -> None:
        super().__init__(told)
        self.part = part


class Field(Base):
    """One custom field. Its key never changes: texts, forms and files refer to it."""

    __tablename__ = "fields"
    __table_args__ = (
        CheckConstraint("kind IN ('text', 'number', 'date', 'choice', 'yes_no')", name="kind"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST_KEY), unique=True)
    label: Mapped[str] = mapped_column(String(LONGEST_LABEL))
    kind: Mapped[FieldKind] = mapped_column(default=FieldKind.TEXT)
    choices: Mapped[list[str]] = mapped_column(JSON, default=list)
    """The options in order; empty unless the kind is CHOICE."""
    fallback: Mapped[str] = mapped_column(String(LONGEST_FALLBACK), default="")
    created_at: Mapped[datetime]

    @validates("label", "fallback")
    def _clean(self, _: str, typed: str) -> str:
        return characters.line(typed).strip()

    @property
    def merge_field(self) -> MergeField:
        """The field as a merge field for mails."""
        return MergeField(name=f"{OWN}{self.key}", means=self.label, kind=self.kind, fallback=self.fallback, id=self.id)

    def read(self, typed: str) -> str:
        """Normalise a typed value for storage: "12.5", "1960-05-03", "yes"; "" for none. Raises BadValue."""
        if len(typed) > 20 * LONGEST_VALUE:
            raise BadValue(ValueFault.FAR_TOO_LONG, label=self.label, most=LONGEST_VALUE)
        value = unicodedata.normalize("NFC", characters.line(_UNSEEN.sub("", typed)))
        if not value:
            return ""
        if len(value) > LONGEST_VALUE:
            raise BadValue(ValueFault.TOO_LONG, label=self.label, length=len(value), most=LONGEST_VALUE)
        return _READERS[self.kind](self, value)

    def _text(self, value: str) -> str:
        return value

    def _number(self, value: str) -> str:
        if not _NUMBER.match(value):
            raise BadValue(ValueFault.NO_NUMBER, label=self.label)
        number = Decimal(value.replace(",", "."))
        return f"{number.normalize():f}" if number else "0"

    def _date(self, value: str) -> str:
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise BadValue(ValueFault.NO_DATE, label=self.label) from None

    def _choice(self, value: str) -> str:
        folded = value.casefold()
        for choice in self.choices:
            if choice.casefold() == folded:
                return choice
        raise BadValue(ValueFault.NO_CHOICE, label=self.label, choices=self.choices)

    def _yes_no(self, value: str) -> str:
        folded = value.casefold()
        if folded in _YES or folded in _NO:
            return YES if folded in _YES else NO
        raise BadValue(ValueFault.NO_YES_NO, label=self.label)


_READERS: dict[FieldKind, Callable[[Field, str], str]] = {
    FieldKind.TEXT: Field._text, FieldKind.NUMBER: Field._number, FieldKind.DATE: Field._date,
    FieldKind.CHOICE: Field._choice, FieldKind.YES_NO: Field._yes_no,
}  # fmt: skip


def all_fields(session: Session) -> list[Field]:
    """All custom fields, in order of creation."""
    return list(session.scalars(select(Field).order_by(Field.id)))


def fields_named(session: Session, keys: Collection[str]) -> list[Field]:
    """The existing fields among these keys."""
    if not keys:
        return []
    return list(session.scalars(select(Field).where(Field.key.in_(keys)).order_by(Field.id)))


def own_merge_fields(session: Session) -> tuple[MergeField, ...]:
    """All custom fields as merge fields."""
    rows = session.execute(select(Field.key, Field.label, Field.kind, Field.fallback, Field.id).order_by(Field.id))
    return tuple(
        MergeField(name=f"{OWN}{key}", means=label, kind=kind, fallback=fallback, id=id)
        for key, label, kind, fallback, id in rows
    )


def check_key(session: Session, key: str) -> str:
    """Validate a key for a new field; returns it stripped. Raises BadField."""
    key = key.strip()
    if not key:
        raise BadField("key", said("Please give it a short name for texts and files, such as city."))
    if len(key) > LONGEST_KEY or not _KEY.match(key):
        raise BadField(
            "key",
            said(
                "Small letters, digits and _ only, a letter first, at most %(longest_key)s: for example city.",
                longest_key=LONGEST_KEY,
            ),
        )
    if key in RESERVED:
        raise BadField(
            "key", said("“%(key)s” means something already. Please take another, such as my_%(key)s.", key=key)
        )
    if session.scalar(select(Field.id).where(Field.key == key)) is not None:
        raise BadField("key", said("There is a field “%(key)s” already.", key=key))
    return key


def add_field(session: Session, *, key: str, label: str, kind: FieldKind, choices: list[str], fallback: str,
              now: datetime) -> Field:  # fmt: skip
    """Create a field. Raises BadField."""
    if (session.scalar(select(func.count()).select_from(Field)) or 0) >= MOST_FIELDS:
        raise BadField(
            "key",
            said(
                "There are %(most_fields)s fields, which is the most. Please delete one first.", most_fields=MOST_FIELDS
            ),
        )
    field = Field(key=check_key(session, key), label="", kind=kind, created_at=now)
    with session.no_autoflush:
        change_field(session, field, label=label, choices=choices, fallback=fallback)
    session.add(field)
    session.flush()
    return field


def change_field(session: Session, field: Field, *, label: str, choices: list[str], fallback: str) -> None:
    """Change a field's label, choices and fallback; its key and kind are fixed. Raises BadField.

    Stored values whose choice was removed stay until somebody chooses again.
    """
    label = " ".join(characters.line(label).split())
    if not label:
        raise BadField("label", said("Please give it a label: what people read beside it."))
    if len(label) > LONGEST_LABEL:
        raise BadField("label", said("A label has %(longest_label)s characters at most.", longest_label=LONGEST_LABEL))
    taken = session.execute(select(Field.id, Field.label)).all()
    if any(name.casefold() == label.casefold() for id, name in taken if id != field.id):
        raise BadField("label", said("Another field is called “%(label)s” already.", label=label))
    fallback = " ".join(characters.line(fallback).split())
    if len(fallback) > LONGEST_FALLBACK:
        raise BadField(
            "fallback",
            said("A fall-back has %(longest_fallback)s characters at most.", longest_fallback=LONGEST_FALLBACK),
        )
    field.label, field.fallback = label, fallback
    field.choices = _choices(choices) if field.kind is FieldKind.CHOICE else []


def delete_field(session: Session, field: Field) -> None:
    """Delete a field and all its values. Check its uses first (`preflight.field_uses`)."""
    session.execute(delete(Field).where(Field.id == field.id))
    session.expunge(field)


def _choices(typed: list[str]) -> list[str]:
    cleaned = [" ".join(characters.line(one).split()) for one in typed]
    found = list({one.casefold(): one for one in reversed(cleaned) if one}.values())[::-1]
    if len(found) < 2:
        raise BadField("choices", said("Please write at least two choices, one a line."))
    if len(found) > MOST_CHOICES:
        raise BadField("choices", said("%(most)s choices are the most.", most=MOST_CHOICES))
    if any(len(one) > LONGEST_LABEL for one in found):
        raise BadField(
            "choices", said("A choice has %(longest_label)s characters at most.", longest_label=LONGEST_LABEL)
        )
    return found
