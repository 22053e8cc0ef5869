"""Rules to JSON and back. Input is untrusted: errors are reported by their place in the tree."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from newsletter import characters
from newsletter.languages import Number, marked, said
from newsletter.subscribers.faults import BadValue
from newsletter.subscribers.field import LONGEST_KEY, LONGEST_VALUE, Field
from newsletter.subscribers.merge_field import FieldKind
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments.comparing import COMPARABLE, Compare
from newsletter.subscribers.subscriber import Status
from newsletter.subscribers.tag import LONGEST_TAG
from newsletter.zones import known_zones

VERSION = 1
LONGEST_WORDS = 254
LARGEST = 200_000
"""Characters of JSON; more is refused unread."""
LARGEST_ID = 2**63 - 1
_CODE = re.compile(r"(?=.{2,16}\Z)[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
"""A language tag as in HTML. Rules may refer to languages without a catalogue."""
Path = tuple[int, ...]
"""A place in the tree: (0, 2) is the third rule of the first group; () is the root."""
E = TypeVar("E", bound=StrEnum)


class BadRules(ValueError):
    """Invalid rules. `errors`: what is wrong and what to do, by place; the message is the first of them."""

    def __init__(self, errors: Mapping[Path, str]) -> None:
        super().__init__(next(iter(errors.values())))
        self.errors = dict(errors)


def _one_line(most: int, missing: str) -> Callable[[Any], str]:
    def read(given: Any) -> str:
        if not isinstance(given, str):
            raise ValueError(missing)
        value = characters.line(given)
        if not value:
            raise ValueError(missing)
        if len(value) > most:
            raise ValueError(
                said("That has %(length)s characters; %(most)s are the most.", length=Number(len(value)), most=most)
            )
        return value

    return read


def _number(least: int, most: int, missing: str) -> Callable[[Any], int]:
    def read(given: Any) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
            raise ValueError(missing)
        return given

    return read


def _one_of(codes: type[E], missing: str) -> Callable[[Any], E]:
    def read(given: Any) -> E:
        if not isinstance(given, str) or given not in {code.value for code in codes}:
            raise ValueError(missing)
        return codes(given)

    return read


def _yes_or_no(given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError(said("Choose yes or no."))
    return given


def _day(given: Any) -> date:
    try:
        day = date.fromisoformat(given)
    except (TypeError, ValueError):
        raise ValueError(said("Choose a day, as year-month-day, such as 2026-05-31.")) from None
    if not r.FIRST_YEAR <= day.year <= r.LAST_YEAR:
        raise ValueError(
            said("Choose a day between the years %(first)s and %(last)s.", first=r.FIRST_YEAR, last=r.LAST_YEAR)
        )
    return day


def _zone(given: Any) -> str:
    if not isinstance(given, str) or given not in known_zones():
        raise ValueError(said("This is no time zone we know. Choose one from the list, for example Europe/London."))
    return given


def _language(given: Any) -> str:
    if not isinstance(given, str) or not _CODE.fullmatch(given):
        raise ValueError(said("Choose a language from the list."))
    return given


def _value(given: Any) -> str:
    if not isinstance(given, str) or len(given) > LONGEST_VALUE:
        raise ValueError(said("Type what to compare with, at most %(most)s characters.", most=LONGEST_VALUE))
    return given


_DAYS = _number(1, r.MOST_DAYS, said("Type a number of days, from 1 to %(most)s.", most=Number(r.MOST_DAYS)))
_KINDS: dict[str, tuple[type[Any], tuple[Callable[[Any], Any], ...]]] = {
    "status": (r.HasStatus, (_one_of(Status, marked("Choose a status.")),)),
    "tag": (r.HasTag, (_one_line(LONGEST_TAG, marked("Type or choose a tag.")),)),
    "asked": (r.AskedFor, (_one_line(64, marked("Choose a guide.")),)),
    "fetched": (r.Fetched, (_one_line(64, marked("Choose a guide.")),)),
    "form": (r.SignedUpBy, (_number(1, LARGEST_ID, marked("Choose a form.")),)),
    "before": (r.JoinedBefore, (_day,)),
    "after": (r.JoinedAfter, (_day,)),
    "lately": (r.JoinedLately, (_DAYS,)),
    "newsletter": (r.TakesNewsletter, (_yes_or_no,)),
    "digest": (r.TakesDigest, (_yes_or_no,)),
    "topic": (r.TakesTopic, (_number(1, LARGEST_ID, marked("Choose a topic.")),)),
    "zone": (r.InZone, (_zone,)),
    "language": (r.ReadsIn, (_language,)),
    "called": (r.Called, (_one_line(LONGEST_WORDS, marked("Type a part of an address or a name.")),)),
    "field": (r.HasField, (
        _one_line(LONGEST_KEY, marked("Choose a field.")), _one_of(FieldKind, marked("Choose a field.")),
        _one_of(Compare, marked("Choose how to compare.")), _value,
    )),
    "sent": (r.WasSent, (_number(1, LARGEST_ID, marked("Choose a campaign.")),)),
    "sent-lately": (r.SentLately, (_DAYS,)),
    "clicked": (r.Clicked, (_number(1, LARGEST_ID, marked("Choose a campaign.")),)),
    "clicked-nothing": (r.ClickedNothing, (_number(1, LARGEST_ID, marked("Choose a campaign.")),)),
    "clicked-lately": (r.ClickedLately, (_DAYS,)),
    "series": (r.InSeries, (
        _number(1, LARGEST_ID, marked("Choose a series.")),
        _one_of(r.Stage, marked("Choose where they stand in the series.")),
    )),
    "step": (r.AtStep, (_number(1, LARGEST_ID, marked("Choose a step of a series.")),)),
}  # fmt: skip
"""Class and one parser per attribute for each kind of rule; JSON uses the attributes' names."""
_KIND_OF = {made: kind for kind, (made, _) in _KINDS.items()}
KINDS = tuple(_KINDS)
GROUPS = tuple(how.value for how in r.How)


def read(data: Any) -> r.Rules:
    """Rules from decoded JSON: `{"version": 1, "zone": "Europe/London", "rules": {"kind": "all", "rules": […]}}`.

    Raises BadRules.
    """
    if not isinstance(data, dict):
        raise BadRules({(): said("These are no rules of a segment.")})
    if data.get("version") != VERSION or isinstance(data.get("version"), bool):
        raise BadRules(
            {(): said("These rules were written by another version of the product, which this one cannot read.")}
        )
    reader = _Reader()
    root = reader.rule(data.get("rules"), (), 1)
    try:
        zone = _zone(data.get("zone"))
    except ValueError as error:
        reader.errors[()] = str(error)
        zone = "UTC"
    if reader.count > r.MOST_RULES:
        reader.errors[()] = said(
            "These are more than %(most)s rules, which are the most. Please take some away.", most=r.MOST_RULES
        )
    if reader.errors or root is None:
        raise BadRules(dict(sorted(reader.errors.items())) or {(): said("There are no rules.")})
    return r.Rules(root, zone)


def read_text(text: str) -> r.Rules:
    """Rules from JSON text. Raises BadRules."""
    if len(text) > LARGEST:
        raise BadRules({(): said("These rules are too long: %(most)s characters are the most.", most=Number(LARGEST))})
    try:
        return read(json.loads(text))
    except (json.JSONDecodeError, RecursionError):
        raise BadRules({(): said("This is no JSON that can be read.")}) from None


class _Reader:
    """Parses a tree, collecting errors by place."""

    def __init__(self) -> None:
        self.errors: dict[Path, str] = {}
        self.count = 0

    def rule(self, data: Any, path: Path, depth: int) -> r.Rule | None:
        """The rule at this place; None if it is invalid or there are too many."""
        self.count += 1
        if self.count > r.MOST_RULES:
            return None
        kind = data.get("kind") if isinstance(data, dict) else None
        if not isinstance(kind, str) or (kind not in _KINDS and kind not in GROUPS):
            self.errors[path] = said("There is no such kind of rule.")
            return None
        if kind in GROUPS:
            return self._group(r.How(kind), data.get("rules"), path, depth)
        try:
            return _leaf(kind, data)
        except ValueError as error:
            self.errors[path] = str(error)
            return None

    def _group(self, how: r.How, listed: Any, path: Path, depth: int) -> r.Group | None:
        if depth > r.DEEPEST:
            self.errors[path] = said("Groups may be nested %(most)s deep. Please take this one away.", most=r.DEEPEST)
        elif not isinstance(listed, list) or not listed:
            self.errors[path] = said(
                "This group is empty, which would mean everybody. Add a rule, or take the group away."
            )
        else:
            self.count -= 1  # groups do not count as rules
            found = [self.rule(one, (*path, place), depth + 1) for place, one in enumerate(listed[: r.MOST_RULES + 1])]
            return r.Group(how, tuple(one for one in found if one is not None))
        return None


def _leaf(kind: str, data: dict[str, Any]) -> r.Leaf:
    made, readers = _KINDS[kind]
    parts = [reader(data.get(part.name)) for part, reader in zip(fields(made), readers, strict=True)]
    leaf: r.Leaf = made(*parts)
    return _compared(leaf) if isinstance(leaf, r.HasField) else leaf


def _compared(leaf: r.HasField) -> r.HasField:
    """The rule with its value normalised as in the field. Raises ValueError."""
    if leaf.how not in COMPARABLE[leaf.type]:
        raise ValueError(said("This field cannot be compared so. Choose another way."))
    if leaf.how is Compare.FILLED:
        return r.HasField(field=leaf.field, type=leaf.type, how=leaf.how, value="")
    field = Field(
        key=leaf.field, label=leaf.field, kind=leaf.type, choices=[characters.line(leaf.value)], fallback="",
        created_at=datetime(1970, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    try:
        value = field.read(leaf.value)
    except BadValue as error:
        raise ValueError(error.told()) from None
    if not value:
        raise ValueError(said("Type what to compare with."))
    return r.HasField(field=leaf.field, type=leaf.type, how=leaf.how, value=value)


def as_json(rules: r.Rules) -> dict[str, Any]:
    """The inverse of `read`. Raises ValueError for unreadable rules."""
    return {"version": VERSION, "zone": rules.zone, "rules": _plain(rules.root)}


def _plain(rule: r.Rule) -> dict[str, Any]:
    if isinstance(rule, r.Group):
        return {"kind": rule.how.value, "rules": [_plain(one) for one in rule.rules]}
    if isinstance(rule, r.Unreadable):
        raise ValueError(rule.told)
    parts = {part.name: getattr(rule, part.name) for part in fields(rule)}
    plain = {name: value.isoformat() if isinstance(value, date) else value for name, value in parts.items()}
    return {"kind": _KIND_OF[type(rule)], **plain}
