"""Maps each column of a file to a role, a custom field, a new field, or nothing, as the owner chose.

`propose` makes a proposal from the headings; `mapped` applies the owner's choice. A column whose heading suggests that
it says who wants mail is only ignored if the owner says explicitly that it does not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from newsletter import slugs
from newsletter.imports.columns import Columns, Role, squashed
from newsletter.imports.dates import read_day
from newsletter.imports.report import BadFile
from newsletter.imports.standing import read_flag, read_status
from newsletter.languages import said
from newsletter.subscribers import Field, FieldKind
from newsletter.subscribers.field import LONGEST_KEY, LONGEST_LABEL, RESERVED

LEFT_OUT, WAVED = "", "waved"
"""The column is ignored; `WAVED`: although its heading or content seems to say who wants mail."""
FIELD, NEW = "field:", "new:"
ROLES: dict[str, Role] = {role.name.lower(): role for role in Role if role is not Role.STATE}
"""A column's possible roles, by the code used on the page and in the command."""
TELLING = (Role.STATUS, Role.STATE, Role.LISTS, Role.SUBSCRIBED, Role.CONFIRMED, Role.UNSUBSCRIBED, Role.BOUNCED,
           Role.COMPLAINED)  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:[.,]\d{1,10})?", re.ASCII)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Placeholder `created_at` of a field not created yet."""
_FEW = 12
"""Up to so many distinct, recurring values suggest a field of choices."""


class BadMapping(BadFile):
    """An invalid mapping. `place`: the column's index; None if it concerns the whole file."""

    def __init__(self, told: str, place: int | None = None) -> None:
        super().__init__(told)
        self.place = place


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a column is: a code of `ROLES`, "field:KEY", "new:KIND" (with label and choices), `LEFT_OUT` or `WAVED`."""

    what: str = LEFT_OUT
    label: str = ""
    choices: tuple[str, ...] = ()

    @property
    def new_kind(self) -> FieldKind | None:
        """The kind of the field to create, or None."""
        return FieldKind(self.what.removeprefix(NEW)) if self.what.startswith(NEW) else None

    def as_json(self) -> dict[str, Any]:
        """The JSON stored in `Import.meanings`."""
        return {"what": self.what, "label": self.label, "choices": list(self.choices)}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        return cls(kept["what"], kept["label"], tuple(kept["choices"]))


def propose(columns: Columns, rows: Iterable[Sequence[str]]) -> list[Meaning]:
    """A proposal by the headings; for “state” the values decide whether it is a status or part of an address."""
    said = {place: role.name.lower() for role, places in columns.places.items() for place in places}
    for place in columns.at(Role.STATE):
        words = [word for row in rows if (word := row[place].strip() if place < len(row) else "")]
        fits = words and all(read_status(word, columns.program) is not None for word in words)
        said[place] = "status" if fits else LEFT_OUT
    said |= {place: f"{FIELD}{field.key}" for place, field in columns.own.items()}
    return [
        Meaning(said.get(place, LEFT_OUT), label=name[:LONGEST_LABEL]) for place, name in enumerate(columns.headings)
    ]


def guessed_kind(values: Iterable[str]) -> FieldKind:
    """The kind of field that fits these values best."""
    given = [value.strip() for value in values if value.strip()]
    if not given:
        return FieldKind.TEXT
    if all(read_flag(value) is not None for value in given) and {value.casefold() for value in given} - {"0", "1"}:
        return FieldKind.YES_NO
    if all(_NUMBER.fullmatch(value) for value in given):
        return FieldKind.NUMBER
    if all(read_day(value, True) or read_day(value, False) for value in given):
        return FieldKind.DATE
    different = len({value.casefold() for value in given})
    return FieldKind.CHOICE if 2 <= different <= min(_FEW, len(given) // 3) else FieldKind.TEXT


def mapped(columns: Columns, meanings: Sequence[Meaning]) -> Columns:
    """The columns with exactly these meanings. Raises BadMapping."""
    if len(meanings) != len(columns.headings):
        raise BadMapping(said("The file has other columns than were asked about. Please look at them again."))
    _check_telling(columns, meanings)
    places: dict[Role, tuple[int, ...]] = {}
    for place, one in enumerate(meanings):
        if one.what in ROLES:
            places[ROLES[one.what]] = (*places.get(ROLES[one.what], ()), place)
    if Role.EMAIL not in places:
        raise BadMapping(said("Say which column holds the e-mail addresses."))
    waved = frozenset(place for place, one in enumerate(meanings) if one.what == WAVED)
    return replace(columns, places=places, chosen=_fields(columns.fields, columns.headings, meanings), waved=waved)


def _check_telling(columns: Columns, meanings: Sequence[Meaning]) -> None:
    for role in TELLING:
        for place in columns.at(role):
            if meanings[place].what == LEFT_OUT and role is not Role.STATE:
                raise BadMapping(
                    said("By its name, “%(heading)s” tells who wants mail. Say which it is, or “says nothing of who "
                         "wants mail”.", heading=columns.headings[place]), place
                )  # fmt: skip


def _fields(known: Iterable[Field], headings: Sequence[str], meanings: Sequence[Meaning]) -> dict[int, Field]:
    by_key = {field.key: field for field in known}
    found: dict[int, Field] = {}
    for place, one in enumerate(meanings):
        if one.what.startswith(FIELD):
            if (field := by_key.get(one.what.removeprefix(FIELD))) is None:
                raise BadMapping(
                    said("The field for “%(heading)s” has been deleted. Choose another.", heading=headings[place]),
                    place,
                )
            if field in found.values():
                raise BadMapping(
                    said("Two columns fill the field “%(label)s”. Leave one of them out.", label=field.label), place
                )
            found[place] = field
        elif one.new_kind is not None:
            found[place] = _drafted(place, one, [*by_key.values(), *found.values()])
    return found


def _drafted(place: int, one: Meaning, known: Sequence[Field]) -> Field:
    """An unsaved field with a negative id, to parse rows with before it is created. Raises BadMapping."""
    label = " ".join(one.label.split())
    if not label:
        raise BadMapping(said("Give the new field a name."), place)
    if len(label) > LONGEST_LABEL:
        raise BadMapping(said("A field's name has %(most)s characters at most.", most=LONGEST_LABEL), place)
    if any(field.label.casefold() == label.casefold() for field in known):
        raise BadMapping(
            said("There is a field “%(label)s” already. Choose it in the list, or give another name.", label=label),
            place,
        )
    return Field(
        id=-1 - place, key=key_for(label, [field.key for field in known]), label=label, choices=list(one.choices),
        kind=one.new_kind or FieldKind.TEXT, created_at=NEVER,
    )  # fmt: skip


def key_for(label: str, taken: Iterable[str]) -> str:
    """An unused key for a field with this label."""
    key = re.sub(r"[^a-z0-9]+", "_", slugs.slugify(label, "field")).strip("_")[: LONGEST_KEY - 4]
    if not key[:1].isalpha():
        key = f"field_{key}"[: LONGEST_KEY - 4]
    if key in RESERVED:
        key = f"my_{key}"
    there, number, base = set(taken), 2, key
    while key in there:
        key, number = f"{base}_{number}", number + 1
    return key


def changed(columns: Columns, rows: Iterable[Sequence[str]], words: Iterable[str]) -> list[Meaning]:
    """The proposal, changed by options like “Shoe size=new:number” or “E-Mail 2=ignore”. Raises BadMapping."""
    meanings = propose(columns, rows)
    by_key = {field.key for field in columns.fields}
    for word in words:
        heading, equals, what = (part.strip() for part in word.rpartition("="))
        fits = [place for place, name in enumerate(columns.headings) if name and squashed(name) == squashed(heading)]
        if not equals or not fits:
            listed = ", ".join(name for name in columns.headings if name)
            raise BadMapping(f"--map {word!r}: no column is called so. There are: {listed}.")
        for place in fits:
            meanings[place] = replace(meanings[place], what=_code(word, what, by_key))
    return meanings


def _code(word: str, what: str, keys: set[str]) -> str:
    code = what.lower().replace("-", "_").replace(" ", "_")
    if code == "ignore":
        return WAVED
    if code in ROLES:
        return code
    if code.removeprefix(FIELD) in keys:
        return f"{FIELD}{code.removeprefix(FIELD)}"
    if code.startswith(NEW) and code.removeprefix(NEW) in {kind.value for kind in FieldKind}:
        return code
    kinds = ", ".join(f"{NEW}{kind.value}" for kind in FieldKind)
    raise BadMapping(f"--map {word!r}: write one of {', '.join(ROLES)}, the key of a field, {kinds}, or ignore.")
