"""Filter of the list of people: search words, status, tag, a saved segment, and the filter bar.

The bar's choices are rules, read and compiled like a segment's. The whole filter is in the address.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_login import current_user
from sqlalchemy import ColumnElement, false, func, select
from sqlalchemy.orm import Session

from newsletter.bulk_actions import People
from newsletter.figures import figure, figure_if_kept
from newsletter.languages import Sentence
from newsletter.subscribers import Estimate, Status, Subscriber, all_fields, estimate, found_by, segments, with_tag
from newsletter.subscribers.segments import (
    BadRules,
    DatedRules,
    Group,
    How,
    Rules,
    SavedSegment,
    as_json,
    condition,
    look_up,
    sentence,
)
from newsletter.subscribers.segments.rules import Called, HasStatus, HasTag, Rule
from newsletter.web.language import _
from newsletter.web.owner.door import PAGE, asked_id, words_asked
from newsletter.web.owner.segment_tree import Node, as_data
from newsletter.web.state import now

MOST_COUNTED = 10_000
"""Largest number of people counted in a search for words; above it, pages say “more than 10,000”."""
BAR: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "topic": ("topic", {"topic": "topic"}), "asked": ("asked", {"guide": "asked"}),
    "fetched": ("fetched", {"guide": "fetched"}), "form": ("form", {"form": "form"}),
    "joined_after": ("after", {"day": "joined_after"}), "joined_before": ("before", {"day": "joined_before"}),
    "zone": ("zone", {"zone": "zone"}), "language": ("language", {"language": "language"}),
    "in_series": ("series", {"series": "in_series", "stage": "stage"}),
    "step": ("step", {"step": "step"}),
    "sent": ("sent", {"campaign": "sent"}), "clicked": ("clicked", {"campaign": "clicked"}),
    "field": ("field", {"field": "field", "how": "how", "value": "value"}),
}  # fmt: skip
"""By query parameter: the kind of rule, and the parameter of each of its parts."""
_OF_ITS_RULE = {"stage": "in", "how": "is", "value": ""}
"""Parts used only together with another, with their defaults."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar as typed. `rules`: None if it is empty, or if it is invalid, which matches nobody."""

    typed: tuple[tuple[str, str], ...] = ()
    rules: DatedRules | None = None
    error: str = ""

    @classmethod
    def read(cls, session: Session, source: Any) -> "Bar":
        """The bar in the address or in a form."""
        nodes, typed = [], dict[str, str]()
        for name, (kind, parts) in BAR.items():
            if words_asked(name, source):
                held = {part: words_asked(one, source) or _OF_ITS_RULE.get(one, "") for part, one in parts.items()}
                nodes.append(Node(kind, held))
                typed |= {one: held[part] for part, one in parts.items() if held[part]}
        if not nodes:
            return cls()
        fields = {one.key: one for one in all_fields(session)}
        try:
            rules = segments.read(as_data(Node(How.ALL.value, inner=nodes), current_user.zone, fields))
        except BadRules as error:
            return cls(tuple(typed.items()), error=next(iter(error.errors.values())))
        return cls(tuple(typed.items()), rules.on(now()))

    @property
    def each(self) -> tuple[Rule, ...]:
        """Its rules, separately."""
        return self.rules.root.rules if self.rules and isinstance(self.rules.root, Group) else ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The saved segment to filter by. `rules`: None if it was deleted, which matches nobody."""

    id: str
    name: str = "deleted"
    rules: DatedRules | None = None
    stored: dict[str, Any] | None = field(default=None, compare=False)
    """The rules in stored form."""

    @classmethod
    def typed(cls, session: Session, source: Any) -> "Chosen | None":
        """The segment whose id was requested, if any."""
        asked = words_asked("segment", source)
        id = asked_id("segment", source)
        found = session.get(SavedSegment, id) if id else None
        if found is None:
            return cls(asked) if asked else None
        return cls(str(found.id), found.name, found.rules.on(now()), found.stored)


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of the list; its parts are combined with AND."""

    asked: str
    status: Status | None
    tag: str
    segment: Chosen | None = None
    bar: Bar = Bar()

    @classmethod
    def typed(cls, session: Session, source: Any = None) -> "Filter":
        """The filter in the address, or in a form submitted from the list."""
        status = words_asked("status", source)
        known = Status(status) if status in {one.value for one in Status} else None
        return cls(
            asked=words_asked("q", source),
            status=known,
            tag=words_asked("tag", source),
            segment=Chosen.typed(session, source),
            bar=Bar.read(session, source),
        )

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL conditions, all of which must hold."""
        return [
            *([found_by(self.asked)] if self.asked else []),
            *([Subscriber.status == self.status] if self.status else []),
            *([with_tag(self.tag)] if self.tag else []),
            *([condition(self.segment.rules) if self.segment.rules else false()] if self.segment else []),
            *([condition(self.bar.rules)] if self.bar.rules else [false()] if self.bar.error else []),
        ]

    @property
    def is_broken(self) -> bool:
        """Whether its segment was deleted, or part of it is invalid."""
        gone = self.segment is not None and not (self.segment.rules and self.segment.rules.is_readable)
        return gone or bool(self.bar.error)

    @property
    def people(self) -> People:
        """The same filter in stored form; a deleted segment becomes one that matches nobody."""
        stored = [self.segment.stored or {}] if self.segment else []
        if self.bar.typed:
            stored.append(as_json(self.bar.rules) if self.bar.rules else {})
        return People(asked=self.asked, status=self.status, tag=self.tag, rules=tuple(stored))

    @property
    def as_rules(self) -> list[Rule]:
        """The filter as rules of a segment."""
        segment = self.segment.rules if self.segment else None
        return [
            *([Called(self.asked)] if self.asked else []),
            *([HasStatus(self.status)] if self.status else []),
            *([HasTag(self.tag)] if self.tag else []),
            *([segment.root] if segment and segment.is_readable else []),
            *self.bar.each,
        ]

    def told(self, session: Session) -> tuple[Sentence | str, list[str]]:
        """(the filter as a sentence, or ""; its errors)."""
        wrong = [self.bar.error] if self.bar.error else []
        if self.segment and self.segment.rules is None:
            wrong.append(_("There is no such segment any more, so nobody is shown."))
        elif self.segment and self.segment.rules and not self.segment.rules.is_readable:
            wrong += look_up(session, self.segment.rules).missing(self.segment.rules)
        rules = self.as_rules
        if not rules:
            return "", wrong
        every = Rules(Group(How.ALL, tuple(rules)))
        known = look_up(session, every)
        return sentence(every, known), wrong + known.missing(every)

    @property
    def as_query(self) -> dict[str, str]:
        """The filter as query parameters."""
        every = {
            "q": self.asked, "status": self.status.value if self.status else "", "tag": self.tag,
            "segment": self.segment.id if self.segment else "", **dict(self.bar.typed),
        }  # fmt: skip
        return {name: value for name, value in every.items() if value}

    @property
    def without_bar(self) -> dict[str, str]:
        """The query parameters without the bar."""
        return {name: value for name, value in self.as_query.items() if name not in dict(self.bar.typed)}

    def size(self, session: Session) -> int:
        """Number of people it matches."""
        return figure(session, ("people found", self), self._count)

    def size_if_kept(self, session: Session) -> int | Estimate:
        """The size within a tenth of a second: an estimate until it has been counted in the background.

        A search for words counts up to MOST_COUNTED + 1.
        """
        if self.asked:
            counted = figure_if_kept(session, ("people found by words", self), self._count_some)
        else:
            counted = figure_if_kept(session, ("people found", self), self._count)
        return estimate(session, *self.conditions) if counted is None else counted

    def hits(self, session: Session, listed: int) -> int:
        """The size for a page that fetched `listed` rows, one more than it shows if there are more.

        A search for words counts up to MOST_COUNTED + 1: a common word is found quickly, but counted slowly.
        """
        if listed <= PAGE and not asked_id("before"):
            return listed
        return self._count_some(session) if self.asked else self.size(session)

    def _count(self, session: Session) -> int:
        return session.scalar(select(func.count()).select_from(Subscriber).where(*self.conditions)) or 0

    def _count_some(self, session: Session) -> int:
        some = select(Subscriber.id).where(*self.conditions).limit(MOST_COUNTED + 1).subquery()
        return session.scalar(select(func.count()).select_from(some)) or 0
