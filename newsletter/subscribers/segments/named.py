"""Looks up what a segment's rules refer to: titles for people, and what is missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from newsletter.languages import Sentence, said
from newsletter.subscribers.field import Field
from newsletter.subscribers.segments.above import ARTICLES, CAMPAIGNS, FORMS, GUIDES, SEQUENCES, STEPS
from newsletter.subscribers.segments.refs import Ref, What
from newsletter.subscribers.segments.rules import ClickedNothing, Rules, Unreadable
from newsletter.subscribers.tag import Tag
from newsletter.topics import Topic


@dataclass(frozen=True, slots=True)
class Named:
    """What rules refer to. `titles`: of what exists."""

    titles: Mapping[Ref, str]
    uncounted: Sequence[int] = ()
    """Ids of campaigns without counted clicks that a rule asks about."""
    taken_out: Mapping[Ref, str] = field(default_factory=dict)
    """A sentence for each step that was removed from its series."""

    def title(self, name: Ref) -> str:
        """The title for people; the bare name or id if it is gone."""
        return self.titles.get(name, str(name.name))

    def missing(self, rules: Rules) -> list[str]:
        """A sentence for each problem: unreadable rules, missing references, uncounted clicks."""
        unreadable = [leaf.told for leaf in rules.leaves() if isinstance(leaf, Unreadable)]
        gone = [name for name in rules.names() if name not in self.titles]
        blind = [self.title(Ref(What.CAMPAIGN, one)) for one in self.uncounted]
        return [
            *unreadable,
            *(self.taken_out.get(one) or _gone(one) for one in gone),
            *(
                said("Clicks were not counted in “%(title)s”, so nobody knows who followed nothing.", title=title)
                for title in blind
            ),
        ]


def _gone(name: Ref) -> Sentence:
    return said("There is no %(what)s “%(name)s” any more.", what=name.what, name=name.name)


def look_up(session: Session, rules: Rules) -> Named:
    """Look up everything these rules refer to."""
    found: dict[Ref, str] = {}
    steps, taken_out = _steps(session, [one for one in rules.names() if one.what is What.STEP])
    found |= steps
    for what in set(What) - {What.STEP}:
        if wanted := [one for one in rules.names() if one.what is what]:
            titles = {row.name: row.title for row in session.execute(_titles(what, [one.name for one in wanted]))}
            found |= {one: titles[one.name] for one in wanted if one.name in titles}
    fields = [one for one in found if one.what is What.FIELD]
    if fields:
        there = set(session.execute(select(Field.key, Field.kind).where(Field.key.in_([one.name for one in fields]))))
        found = {one: title for one, title in found.items() if one not in fields or (one.name, one.type) in there}
    asked = {leaf.campaign for leaf in rules.leaves() if isinstance(leaf, ClickedNothing)}
    blind = select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.id.in_(asked), ~CAMPAIGNS.c.counted_clicks)
    return Named(found, session.scalars(blind.order_by(CAMPAIGNS.c.id)).all() if asked else (), taken_out)


def _steps(session: Session, asked: Collection[Ref]) -> tuple[dict[Ref, str], dict[Ref, str]]:
    """Titles of the existing steps, and sentences for the removed ones."""
    if not asked:
        return {}, {}
    before = STEPS.alias("before")
    is_before = (before.c.sequence_id == STEPS.c.sequence_id, before.c.deleted_at.is_(None))
    number = select(func.count()).where(*is_before, before.c.position <= STEPS.c.position).correlate(STEPS)
    look = select(
        STEPS.c.id, ARTICLES.c.title, SEQUENCES.c.name, STEPS.c.deleted_at, number.scalar_subquery().label("number")
    ).where(ARTICLES.c.id == STEPS.c.article_id, SEQUENCES.c.id == STEPS.c.sequence_id)
    there, out = dict[Ref, str](), dict[Ref, str]()
    for row in session.execute(look.where(STEPS.c.id.in_([one.name for one in asked]))):
        named = {"title": row.title, "series": row.name}
        if row.deleted_at is None:
            told = said("%(number)s (“%(title)s”) of the series “%(series)s”", number=row.number, **named)
            there[Ref(What.STEP, row.id)] = told
        else:
            told = said("“%(title)s” is not a step of the series “%(series)s” any more. Choose another step.", **named)
            out[Ref(What.STEP, row.id)] = told
    return there, out


def _titles(what: What, names: list[str | int]) -> Select[*tuple[Any, ...]]:
    match what:
        case What.TAG:
            return select(Tag.name, Tag.name.label("title")).where(Tag.name.in_(names))
        case What.GUIDE:
            return select(GUIDES.c.slug.label("name"), GUIDES.c.title).where(GUIDES.c.slug.in_(names))
        case What.FORM:
            return select(FORMS.c.id.label("name"), FORMS.c.name.label("title")).where(FORMS.c.id.in_(names))
        case What.FIELD:
            return select(Field.key.label("name"), Field.label.label("title")).where(Field.key.in_(names))
        case What.CAMPAIGN:
            its = (CAMPAIGNS.c.id.in_(names), ARTICLES.c.id == CAMPAIGNS.c.article_id)
            return select(CAMPAIGNS.c.id.label("name"), ARTICLES.c.title).where(*its)
        case What.TOPIC:
            return select(Topic.id.label("name"), Topic.name.label("title")).where(Topic.id.in_(names))
        case What.SERIES:
            its_name = SEQUENCES.c.name.label("title")
            return select(SEQUENCES.c.id.label("name"), its_name).where(SEQUENCES.c.id.in_(names))
        case What.STEP:
            raise TypeError("a step's title takes more than its row")
