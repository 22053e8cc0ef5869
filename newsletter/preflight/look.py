"""The preflight: what a person looks at before a mail goes to many people, worked out instead of remembered."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import LONGEST_LINE
from newsletter.brand import Brand
from newsletter.guides import Guide
from newsletter.mail.render import BadArticle, Compiled, Content, Reader, Renderer
from newsletter.preflight import had_it, left_over
from newsletter.preflight.addresses import Addresses
from newsletter.preflight.check import Check, Level, NotFit, Report
from newsletter.preflight.sent_as import CAMPAIGN, SentAs
from newsletter.preflight.without import without_values
from newsletter.subscribers import Segment, Tag, all_tags
from newsletter.subscribers.segments import look_up
from newsletter.topics import Topic

HEAVIEST = 100_000
"""Bytes of HTML: Gmail clips a mail at 102 kB, and the unsubscribe link is at its end."""
FARTHEST = timedelta(days=730)
"""A date farther away is a slip of the finger."""
A_MOMENT = timedelta(minutes=1)
"""A time that has just gone by means now."""


def check_time(at: datetime, now: datetime) -> None:
    """Refuse a time in the past, and one that is too far away to be meant. Raises NotFit."""
    if at < now - A_MOMENT:
        raise NotFit("That time has passed, and a mail cannot be called back. Choose a later one, or now.")
    if at - now > FARTHEST:
        raise NotFit("That is more than two years away; is the year right?")


def check(session: Session, renderer: Renderer, brand: Brand, words: Content, segment: Segment,
          article_id: int | None = None) -> Report:  # fmt: skip
    """Look at an article as a campaign to this segment would carry it."""
    people = segment.size(session)
    return Report((
        *_audience(session, segment, people),
        *_words(session, renderer, brand, words, CAMPAIGN),
        *without_values(session, renderer, brand, words, segment, people),
        *_again(session, segment, words, article_id, people),
        _address(brand),
    ))  # fmt: skip


def check_words(session: Session, renderer: Renderer, brand: Brand, words: Content,
                sent_as: SentAs = CAMPAIGN) -> Report:  # fmt: skip
    """Look at words alone: of a campaign whose recipients are settled, or of an article in a series."""
    return Report((
        *_words(session, renderer, brand, words, sent_as),
        *without_values(session, renderer, brand, words, None, 0, sent_as),
        _address(brand),
    ))  # fmt: skip


def _address(brand: Brand) -> Check:
    lines = brand.address_lines
    if lines:
        return Check("Postal address", Level.GOOD, ", ".join(lines))
    return Check("Postal address", Level.BLOCK, "Bulk mail must carry your postal address. Add it under Settings.")


def _audience(session: Session, segment: Segment, people: int) -> Iterator[Check]:
    slugs = session.scalars(select(Guide.slug).order_by(Guide.position, Guide.id)).all()
    if segment.guide is not None and segment.guide not in slugs:
        told = f"There is no guide “{segment.guide}”. Guides that exist: {', '.join(slugs) or 'none'}."
        yield Check("Audience", Level.BLOCK, told)
    elif segment.tag is not None and session.scalar(select(Tag.id).where(Tag.name == segment.tag)) is None:
        tags = ", ".join(name for name, _ in all_tags(session, 20)) or "none"
        yield Check("Audience", Level.BLOCK, f"There is no tag “{segment.tag}”. Tags that people have: {tags}.")
    elif segment.rules and (missing := look_up(session, segment.rules).missing(segment.rules)):
        told = f"{' '.join(missing)} So nobody is in this segment: change its rules."
        yield Check("Audience", Level.BLOCK, told)
    elif people:
        yield Check("People", Level.GOOD, f"{people:,} will get it.")
    else:
        yield Check("People", Level.TOLD, "Nobody is in this audience yet.")
    yield from _topic(session, segment, people)
    if resting := segment.paused(session):
        told = f"{resting:,} of this audience have paused everything, and get nothing while they do."
        yield Check("Paused", Level.GOOD, told)


def _topic(session: Session, segment: Segment, people: int) -> Iterator[Check]:
    """Who of the audience has left the topic out. It is asked again when each mail is about to go."""
    topic = session.get(Topic, segment.topic) if segment.topic is not None else None
    if topic is None:
        return
    left_out = replace(segment, topic=None).size(session) - people
    who = f"{left_out:,} of this audience have" if left_out != 1 else "1 of this audience has"
    rest = f"{who} not ticked that topic on their own page, and will not get it." if left_out > 0 else "All of them do."
    yield Check("Topic", Level.GOOD, f"It is about {topic.name}, so it goes to who takes that. {rest}")


def _again(session: Session, segment: Segment, words: Content, article_id: int | None, people: int) -> Iterator[Check]:
    if had := had_it.count(session, segment, words, article_id):
        yield Check(
            "Sent before", Level.TOLD, f"{had:,} of {people:,} have had this article already, and would get it again."
        )


def _words(session: Session, renderer: Renderer, brand: Brand, words: Content,
           sent_as: SentAs) -> Iterator[Check]:  # fmt: skip
    yield from _lines(words)
    try:
        compiled = renderer.compiled(words)
        seen = renderer.rendered(sent_as.stream, brand, Reader(0), words, sent_as.context)
    except BadArticle as error:
        yield Check("Text", Level.BLOCK, str(error))
        return
    yield _length(words.body)
    size = len(seen.html.encode())
    yield Check(
        "Size", Level.GOOD if size <= HEAVIEST else Level.BLOCK,
        f"{size / 1000:.0f} kB of {HEAVIEST // 1000} kB; Gmail cuts off what is larger.",
    )  # fmt: skip
    yield from _left_over(compiled)
    yield from Addresses(session, renderer.site).checks(compiled.written)


def _left_over(compiled: Compiled) -> Iterator[Check]:
    if odd := left_over.found(compiled.literal):
        told = f"{'  '.join(odd)} would be read as it stands there. Variables are written {{{{ first_name }}}}."
        yield Check("Left over", Level.WARNING, told)
    written = compiled.written
    if odd := left_over.in_addresses((*written.links, *(src for src, _ in written.pictures))):
        told = f"{'  '.join(odd)} stands in an address. Links of a reader's own are written {{{{ preferences_url }}}}."
        yield Check("Left over in a link", Level.WARNING, told)


def _lines(words: Content) -> Iterator[Check]:
    subject = words.subject.strip()
    yield Check("Subject", *((Level.GOOD, subject) if subject else (Level.BLOCK, "There is none. Write one.")))
    for name, line in (("Subject", words.subject), ("Preheader", words.preheader)):
        if len(line) > LONGEST_LINE:
            yield Check(name, Level.BLOCK, f"It has {len(line):,} characters; {LONGEST_LINE} is the most.")


def _length(body: str) -> Check:
    words = len(body.split())
    if not words:
        return Check("Text", Level.BLOCK, "The article is empty.")
    return Check("Text", Level.GOOD, f"{words:,} words, and every variable can be filled in.")
