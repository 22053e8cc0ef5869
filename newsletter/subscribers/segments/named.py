"""What the rules of a segment name: how a person knows it, and whether it is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from newsletter.languages import said
from newsletter.subscribers.field import Field
from newsletter.subscribers.segments.above import ARTICLES, CAMPAIGNS, FORMS, GUIDES
from newsletter.subscribers.segments.rules import ClickedNothing, Ref, Rules, Unreadable, What
from newsletter.subscribers.tag import Tag
from newsletter.topics import Topic


@dataclass(frozen=True, slots=True)
class Named:
    """The titles of what is there."""

    titles: Mapping[Ref, str]
    uncounted: Sequence[int] = ()
    """Campaigns of which a rule wants to know who followed nothing, and whose clicks were not counted."""

    def title(self, name: Ref) -> str:
        """As a person knows it; of what is gone, what is left of it."""
        return self.titles.get(name, str(name.name))

    def missing(self, rules: Rules) -> list[str]:
        """What these rules name and is not there, and why they cannot be read: a sentence each. Empty: all is well."""
        unreadable = [leaf.told for leaf in rules.leaves() if isinstance(leaf, Unreadable)]
        gone = [name for name in rules.names() if name not in self.titles]
        blind = [self.title(Ref(What.CAMPAIGN, one)) for one in self.uncounted]
        return [
            *unreadable,
            *(said("There is no %(what)s “%(name)s” any more.", what=one.what, name=one.name) for one in gone),
            *(
                said("Clicks were not counted in “%(title)s”, so nobody knows who followed nothing.", title=title)
                for title in blind
            ),
        ]


def look_up(session: Session, rules: Rules) -> Named:
    """Look up what these rules name."""
    found: dict[Ref, str] = {}
    for what in What:
        if wanted := [one for one in rules.names() if one.what is what]:
            titles = {row.name: row.title for row in session.execute(_titles(what, [one.name for one in wanted]))}
            found |= {one: titles[one.name] for one in wanted if one.name in titles}
    fields = [one for one in found if one.what is What.FIELD]
    if fields:
        there = set(session.execute(select(Field.key, Field.kind).where(Field.key.in_([one.name for one in fields]))))
        found = {one: title for one, title in found.items() if one not in fields or (one.name, one.type) in there}
    asked = {leaf.campaign for leaf in rules.leaves() if isinstance(leaf, ClickedNothing)}
    blind = select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.id.in_(asked), ~CAMPAIGNS.c.counted_clicks)
    return Named(found, session.scalars(blind.order_by(CAMPAIGNS.c.id)).all() if asked else ())


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
