"""The preflight proper: does the checks that a person would otherwise have to remember before a mailing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.articles import LONGEST_LINE
from newsletter.brand import Brand
from newsletter.guides import Guide
from newsletter.languages import Number, counted, joined, said
from newsletter.mail.render import BadArticle, Compiled, Content, Reader, Renderer
from newsletter.preflight import had_it, left_over
from newsletter.preflight.addresses import Addresses
from newsletter.preflight.check import Check, Level, Mend, NotFit, Report
from newsletter.preflight.sent_as import CAMPAIGN, SentAs
from newsletter.preflight.without import without_values
from newsletter.subscribers import Segment, Tag, all_tags
from newsletter.subscribers.segments import look_up
from newsletter.topics import Topic

HEAVIEST = 100_000
"""Most bytes of HTML: Gmail clips a mail at 102 kB, and the unsubscribe link is at its end."""
FARTHEST = timedelta(days=730)
"""A date farther away is taken for a typing error."""
A_MOMENT = timedelta(minutes=1)
"""A time that has passed by no more than this means now."""


def check_time(at: datetime, now: datetime) -> None:
    """Refuse a time in the past, or too far away to be intended. Raises NotFit."""
    if at < now - A_MOMENT:
        raise NotFit(said("That time has passed, and a mail cannot be called back. Choose a later one, or now."))
    if at - now > FARTHEST:
        raise NotFit(said("That is more than two years away; is the year right?"))


def check(session: Session, renderer: Renderer, brand: Brand, words: Content, segment: Segment,
          article_id: int | None = None) -> Report:  # fmt: skip
    """The preflight of an article as a campaign to this segment."""
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
    """The preflight of a text alone: for a campaign whose recipients are settled, or an article in a series."""
    return Report((
        *_words(session, renderer, brand, words, sent_as),
        *without_values(session, renderer, brand, words, None, 0, sent_as),
        _address(brand),
    ))  # fmt: skip


def _address(brand: Brand) -> Check:
    lines = brand.address_lines
    if lines:
        return Check(said("Postal address"), Level.GOOD, ", ".join(lines), mend=Mend.ADDRESS)
    return Check(
        said("Postal address"), Level.BLOCK, said("Bulk mail must carry your postal address. Add it under Settings."),
        mend=Mend.ADDRESS,
    )  # fmt: skip


def _audience(session: Session, segment: Segment, people: int) -> Iterator[Check]:
    if wrong := _wrong(session, segment):
        yield Check(said("Audience"), Level.BLOCK, wrong, mend=Mend.AUDIENCE)
    elif people:
        told = counted("%(num)s will get it.", "%(num)s will get it.", people, num=Number(people))
        yield Check(said("People"), Level.GOOD, told, mend=Mend.AUDIENCE)
    else:
        yield Check(said("People"), Level.TOLD, said("Nobody is in this audience yet."), mend=Mend.AUDIENCE)
    yield from _topic(session, segment, people)
    if weekly := segment.weekly(session):
        told = counted("%(num)s of them gets it in their weekly mail, not by itself.",
                       "%(num)s of them get it in their weekly mail, not by itself.",
                       weekly, num=Number(weekly))  # fmt: skip
        yield Check(said("Weekly mail"), Level.GOOD, told, mend=Mend.AUDIENCE)
    if resting := segment.paused(session):
        told = counted("%(num)s of this audience have paused everything, and get nothing while they do.",
                       "%(num)s of this audience have paused everything, and get nothing while they do.",
                       resting, num=Number(resting))  # fmt: skip
        yield Check(said("Paused"), Level.GOOD, told, mend=Mend.AUDIENCE)


def _wrong(session: Session, segment: Segment) -> str:
    """A message naming what the segment refers to but does not exist; "" if all exists."""
    slugs = session.scalars(select(Guide.slug).order_by(Guide.position, Guide.id)).all()
    if segment.guide is not None and segment.guide not in slugs:
        return said("There is no guide “%(guide)s”. Guides that exist: %(known)s.", guide=segment.guide,
                    known=", ".join(slugs) or said("none"))  # fmt: skip
    if segment.tag is not None and session.scalar(select(Tag.id).where(Tag.name == segment.tag)) is None:
        tags = ", ".join(name for name, _ in all_tags(session, 20)) or said("none")
        return said("There is no tag “%(tag)s”. Tags that people have: %(tags)s.", tag=segment.tag, tags=tags)
    if segment.rules and (missing := look_up(session, segment.rules).missing(segment.rules)):
        return joined((*missing, said("So nobody is in this segment: change its rules.")))
    if missing := [told for one in segment.without for told in look_up(session, one).missing(one)]:
        return joined((*missing, said("So it cannot be told who is left out: change the rules of that segment.")))
    return ""


def _topic(session: Session, segment: Segment, people: int) -> Iterator[Check]:
    """How many of the audience do not take the topic. This is checked again before each mail is sent."""
    topic = session.get(Topic, segment.topic) if segment.topic is not None else None
    if topic is None:
        return
    left_out = replace(segment, topic=None).size(session) - people
    rest = said("All of them do.") if left_out <= 0 else counted(
        "%(num)s of this audience has not ticked that topic on their own page, and will not get it.",
        "%(num)s of this audience have not ticked that topic on their own page, and will not get it.",
        left_out, num=Number(left_out),
    )  # fmt: skip
    yield Check(
        said("Topic"),
        Level.GOOD,
        said("It is about %(name)s, so it goes to those who take that topic. %(rest)s", name=topic.name, rest=rest),
        mend=Mend.TOPIC,
    )


def _again(session: Session, segment: Segment, words: Content, article_id: int | None, people: int) -> Iterator[Check]:
    """How many would get it again: a warning to confirm, or information while the text is not an article yet."""
    if had := had_it.count(session, segment, words, article_id):
        yield Check(
            said("Sent before"),
            Level.TOLD if article_id is None else Level.WARNING,
            said(
                "%(had)s of %(people)s have had this article already, and would get it again.",
                had=Number(had),
                people=Number(people),
            ),
            mend=Mend.AUDIENCE,
        )


def _words(session: Session, renderer: Renderer, brand: Brand, words: Content,
           sent_as: SentAs) -> Iterator[Check]:  # fmt: skip
    yield from _lines(words)
    try:
        compiled = renderer.compiled(words)
        seen = renderer.rendered(sent_as.stream, brand, Reader(0), words, sent_as.context)
    except BadArticle as error:
        yield Check(said("Text"), Level.BLOCK, error.args[0], mend=Mend.TEXT)
        return
    yield _length(words.body)
    size = len(seen.html.encode())
    kilobytes = f"{size / 1000:.0f}"
    yield Check(
        said("Size"), Level.GOOD if size <= HEAVIEST else Level.BLOCK,
        said("%(size)s kB of %(most)s kB; Gmail cuts off what is larger.", size=kilobytes,
             most=HEAVIEST // 1000), mend=Mend.TEXT,
    )  # fmt: skip
    yield from _left_over(compiled)
    yield from Addresses(session, renderer.site).checks(compiled.written)


def _left_over(compiled: Compiled) -> Iterator[Check]:
    if odd := left_over.found(compiled.literal):
        told = said("%(odd)s would be read as it stands there. Variables are written %(code)s.",
                    odd="  ".join(odd), code="{{ first_name }}")  # fmt: skip
        yield Check(said("Left over"), Level.WARNING, told, mend=Mend.TEXT, at=odd[0])
    written = compiled.written
    if odd := left_over.in_addresses((*written.links, *(src for src, _ in written.pictures))):
        told = said("%(odd)s stands in an address. Links of a reader's own are written %(code)s.",
                    odd="  ".join(odd), code="{{ preferences_url }}")  # fmt: skip
        yield Check(said("Left over in a link"), Level.WARNING, told, mend=Mend.TEXT, at=odd[0])


def _lines(words: Content) -> Iterator[Check]:
    subject = words.subject.strip()
    level, told = (Level.GOOD, subject) if subject else (Level.BLOCK, said("There is none. Write one."))
    yield Check(said("Subject"), level, told, mend=Mend.SUBJECT)
    for name, line, mend in (
        (said("Subject"), words.subject, Mend.SUBJECT), (said("Preheader"), words.preheader, Mend.PREHEADER)
    ):  # fmt: skip
        if len(line) > LONGEST_LINE:
            told = said("It has %(length)s characters; %(most)s is the most.", length=Number(len(line)),
                        most=LONGEST_LINE)  # fmt: skip
            yield Check(name, Level.BLOCK, told, mend=mend)


def _length(body: str) -> Check:
    words = len(body.split())
    if not words:
        return Check(said("Text"), Level.BLOCK, said("The article is empty."), mend=Mend.TEXT)
    return Check(
        said("Text"),
        Level.GOOD,
        counted(
            "%(num)s word, and every variable can be filled in.",
            "%(num)s words, and every variable can be filled in.",
            words,
            num=Number(words),
        ),
        mend=Mend.TEXT,
    )
