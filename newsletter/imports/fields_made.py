"""Creates the custom fields an import asks for, at its start, so that a dry run leaves nothing behind."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.imports.mapping import FIELD, BadMapping, Meaning, key_for
from newsletter.languages import said
from newsletter.subscribers import BadField, add_field, all_fields


def make_fields(session: Session, meanings: Sequence[Meaning], now: datetime) -> tuple[list[Meaning], list[int]]:
    """Create every new field; returns the meanings pointing at them, and the new ids. Raises BadMapping (roll back)."""
    told, made = list(meanings), []
    for place, one in enumerate(meanings):
        if (kind := one.new_kind) is None:
            continue
        key = key_for(one.label, [field.key for field in all_fields(session)])
        try:
            field = add_field(
                session, key=key, label=one.label, kind=kind, choices=list(one.choices), fallback="", now=now
            )
        except BadField as error:
            raise BadMapping(said("“%(label)s”: %(problem)s", label=one.label, problem=error.args[0]), place) from None
        made.append(field.id)
        told[place] = replace(one, what=f"{FIELD}{field.key}", choices=())
    return told, made
