"""Checks how a mail reads to people without a first name, or without a value in one of the owner's fields."""

import re
from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter.brand import Brand
from newsletter.figures import figure
from newsletter.languages import Number, joined, said
from newsletter.mail.render import BadArticle, Content, Reader, Renderer
from newsletter.preflight.check import Check, Level, Mend
from newsletter.preflight.sent_as import CAMPAIGN, SentAs
from newsletter.subscribers import FIRST_NAME, OWN, FieldValue, MergeField, Segment, Subscriber

_BADLY = re.compile(r"^[\s,.;:!?–-]|\s[,.;:!?](?:\s|$)|\(\s*\)|[,–-]\s*$|^$")
_SOMETHING = "…"
"""Stands in for a known value, to judge how the rest reads."""


def without_values(session: Session, renderer: Renderer, brand: Brand, words: Content, segment: Segment | None,
                   people: int, sent_as: SentAs = CAMPAIGN) -> Iterator[Check]:  # fmt: skip
    """The checks of each field that the text names. `segment` None: the recipients are settled elsewhere."""
    try:
        subject = renderer.compiled(words).subject
        in_subject, in_text = renderer.empty_for_nobody(words, brand, sent_as.context)
        seen = _subject(renderer, brand, words, {one.name: _SOMETHING for one in words.own}, sent_as)
    except BadArticle:
        return
    lacking = _nameless(session, segment) if segment else 1
    of_name = {code for code in (*in_subject, *in_text) if OWN not in code}
    if any(not name.startswith(OWN) for name in subject.reader_names):
        yield from _subject_without_a_name(seen, bool(of_name & set(in_subject)), lacking, people)
    if (codes := [code for code in in_text if code in of_name]) and (lacking or not people):
        told = said("%(codes)s is empty for %(people)s without a name. Write %(code)s.", codes=_listed(codes),
                    people=_who(lacking, people), code='{{ first_name|default("friend") }}')  # fmt: skip
        yield Check(said("Text without a name"), Level.TOLD, told, mend=Mend.TEXT, at=codes[0])
    for field in renderer.own_fields(words):
        empty = [code for code in (*in_subject, *in_text) if field.name in code]
        known = {FIRST_NAME: _SOMETHING, **{one.name: _SOMETHING for one in words.own if one != field}}
        reads = _subject(renderer, brand, words, known, sent_as) if field.name in subject.names else ""
        yield from _without(session, field, empty, reads, segment, people)


def _subject(renderer: Renderer, brand: Brand, words: Content, known: dict[str, str], sent_as: SentAs) -> str:
    return renderer.rendered(sent_as.stream, brand, Reader(0, known), words, sent_as.context).subject


def _subject_without_a_name(seen: str, empty: bool, lacking: int, people: int) -> Iterator[Check]:
    badly = (empty or bool(_BADLY.search(seen))) and (lacking or not people)
    told = said("To %(people)s without a name it reads “%(subject)s”.", people=_who(lacking, people), subject=seen)
    if badly:
        told = joined((told, said("Write %(code)s, or put the name inside %(condition)s.",
                                  code='{{ first_name|default("you") }}',
                                  condition="{% if first_name %}…{% endif %}")))  # fmt: skip
    yield Check(said("Subject without a name"), Level.WARNING if badly else Level.GOOD, told,
                mend=Mend.SUBJECT)  # fmt: skip


def _without(session: Session, field: MergeField, empty: list[str], subject: str, segment: Segment | None,
             people: int) -> Iterator[Check]:  # fmt: skip
    """The check of one of the owner's fields: what people without a value will read."""
    lacking = max(people - _having(session, field, segment), 0) if segment else 0
    if segment and people and not lacking:
        yield Check(
            field.means,
            Level.GOOD,
            said("It is known of all %(people)s.", people=Number(people)),
            mend=Mend.FIELD,
            at=str(field.id),
        )
        return
    who = said("Some may have no “%(field)s”", field=field.means)
    if people:
        who = said("%(lacking)s of %(people)s have no “%(field)s”", lacking=Number(lacking), people=Number(people),
                   field=field.means)  # fmt: skip
    if not empty:
        told = said("%(who)s: they will read what the text says for them.", who=who)
        if field.fallback:
            told = said("%(who)s: they will read the fall-back, “%(fallback)s”, or what the text says for them.",
                        who=who, fallback=field.fallback)  # fmt: skip
        yield Check(field.means, Level.TOLD, told, mend=Mend.FIELD, at=str(field.id))
        return
    lines = [said("%(who)s: they will read nothing at %(codes)s.", who=who, codes=_listed(empty))]
    badly = subject and _BADLY.search(subject)
    if badly:
        lines.append(said("The subject reads “%(subject)s”.", subject=subject))
    lines.append(said("Give the field a fall-back, or write %(code)s.", code="{{ " + field.name + '|default("…") }}'))
    yield Check(field.means, Level.WARNING if badly else Level.TOLD, joined(lines), mend=Mend.FIELD, at=str(field.id))


def _who(lacking: int, people: int) -> str:
    if not people:
        return said("people")
    return said("%(lacking)s of %(people)s people", lacking=Number(lacking), people=Number(people))


def _listed(codes: list[str]) -> str:
    return ", ".join(dict.fromkeys(codes))


def _nameless(session: Session, segment: Segment) -> int:
    look = select(func.count()).select_from(Subscriber).where(segment.condition(), Subscriber.first_name == "")
    return figure(session, ("nameless", segment), lambda it: it.scalar(look) or 0)


def _having(session: Session, field: MergeField, segment: Segment) -> int:
    """How many of a segment have a value in this field."""
    look = select(func.count()).select_from(FieldValue).join(Subscriber, Subscriber.id == FieldValue.subscriber_id)
    there = look.where(FieldValue.field_id == field.id, segment.condition())
    return figure(session, ("with a value", field.id, segment), lambda it: it.scalar(there) or 0)
