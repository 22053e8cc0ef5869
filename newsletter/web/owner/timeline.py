"""The history of one person in order, to answer “did Jane get the guide?”."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from newsletter import topics
from newsletter.articles import Article, Revision
from newsletter.clicks import Click
from newsletter.events import By, EventKind
from newsletter.events import Event as Noted
from newsletter.guides import Guide, GuideRequest
from newsletter.links import Urls, path
from newsletter.mail.ledger import ACCEPTED, Lane, Message
from newsletter.mail.ledger.digest import entries_of
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import AddressChange, Basis, Consent, Status, Subscriber, consent_topics
from newsletter.web.language import _, in_words
from newsletter.web.owner.display import why_there, word
from newsletter.web.owner.door import PAGE
from newsletter.web.owner.timeline_digest import digest_of, in_digest
from newsletter.web.owner.timeline_words import HOW_CONFIRMED, KINDS, ON_ITS_WAY, PRESSED, STREAMS

LONGEST = 4 * PAGE
"""Most messages shown per person, the newest."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `kind` determines its icon; `message` is set for mails."""

    at: datetime
    kind: str
    title: str
    lines: tuple[str, ...] = ()
    message: Message | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class GuideAnswer:
    """A guide and one person: their last request, the mail sent for it, the first fetch."""

    guide: Guide
    requested_at: datetime | None
    message: Message | None
    fetched_at: datetime | None


ENDS = (EventKind.LEFT, EventKind.REFUSED, EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.NEWSLETTER_OFF,
        EventKind.TOPIC_OFF, EventKind.PAUSED, EventKind.SAID_WHY)  # fmt: skip


def message_title(message: Message) -> str:
    """The title of a message."""
    what = STREAMS[message.stream]
    guide = (message.context or {}).get("guide")
    if message.revision is not None:
        return f"{what}: {message.revision.article.title}"
    return f"{what}: {guide['title']}" if isinstance(guide, dict) else what


def guide_answers(session: Session, person: Subscriber) -> list[GuideAnswer]:
    """One entry per guide, requested or not."""
    answers = []
    for guide in session.scalars(select(Guide).order_by(Guide.position, Guide.id)):
        asked = session.scalars(
            select(GuideRequest)
            .where(GuideRequest.subscriber_id == person.id, GuideRequest.guide_id == guide.id)
            .order_by(GuideRequest.id.desc())
        ).all()
        last = asked[0] if asked else None
        key = f"guide:{guide.slug}:{last.id if last else 0}"
        message = session.scalar(
            select(Message).where(Message.subscriber_id == person.id, Message.idempotency_key == key)
        )
        fetched = min((one.fetched_at for one in asked if one.fetched_at), default=None)
        answers.append(
            GuideAnswer(
                guide=guide, requested_at=last.requested_at if last else None, message=message, fetched_at=fetched
            )
        )
    return answers


def timeline(session: Session, person: Subscriber, urls: Urls) -> list[Event]:
    """All events, newest first; at the same moment, consequences before causes."""
    noted = _noted(session, person)
    events = [*_consents(session, person), *_guides(session, person), *noted]
    events += [*_series(session, person), *_mails(session, person, urls)]
    events += [*_clicks(session, person), *_moves(session, person)]
    if person.left_at is not None and not any(one.at == person.left_at for one in noted):
        left = (
            _("Unsubscribed")
            if person.status is Status.UNSUBSCRIBED
            else _("Stopped: the address %(status)s", status=word(person.status))
        )
        events.append(Event(person.left_at, "left", left))
    return sorted(events, key=lambda event: event.at)[::-1]


def consent_record(session: Session, person: Subscriber) -> list[Event]:
    """Consents given and withdrawn, with the wording they read, oldest first."""
    events = [*_consents(session, person), *_noted(session, person), *_moves(session, person)]
    return sorted(events, key=lambda event: event.at)


def _consents(session: Session, person: Subscriber) -> list[Event]:
    events = []
    theirs = select(Consent).where(Consent.subscriber_id == person.id).options(selectinload(Consent.wording))
    for consent in session.scalars(theirs):
        newsletter = _newsletter(session, consent)
        where = " · ".join(filter(None, (
            _("page %(page)s", page=consent.page) if consent.page else "",
            _("form %(form)s", form=consent.form) if consent.form else "",
            _("from %(address)s", address=consent.ip) if consent.ip else "",
            _("wording %(version)s", version=consent.wording.version),
        )))  # fmt: skip
        asked = _asked(consent)
        read = consent.wording.words
        wording = in_words(read) if consent.form == "owner" else read
        events.append(
            Event(
                at=consent.given_at,
                kind="consent",
                title=asked,
                lines=(f"“{wording}”", newsletter, where),
            )
        )
        if consent.confirmed_at is not None:
            basis = consent.basis or (Basis.IMPORT if consent.form == "import" else None)
            events.append(Event(consent.confirmed_at, "confirmed", HOW_CONFIRMED[basis]))
        elif consent.ended_at is not None:
            events.append(Event(consent.ended_at, "left", _("%(asked)s: never confirmed, and over since", asked=asked)))
    return events


def _newsletter(session: Session, consent: Consent) -> str:
    choice = consent_topics(session, [consent])
    if choice is None:
        return _("Newsletter: not ticked")
    return (
        _("Newsletter: yes")
        if choice.every
        else _("Newsletter: %(topics)s", topics=", ".join(topics.names_of(session, choice.ids)))
    )


def _asked(consent: Consent) -> str:
    """The text for a sign-up: until it is confirmed, it proves only that somebody typed this address."""
    if consent.form == "owner":
        return _("Sent by the owner: %(guide)s", guide=consent.guide)
    if consent.confirmed_at is None or consent.basis is Basis.FORM:
        if not consent.guide:
            return _("Somebody entered this address for the newsletter")
        return _("Somebody entered this address for %(guide)s", guide=consent.guide)
    return _("Signed up for %(guide)s", guide=consent.guide) if consent.guide else _("Agreed")


def _noted(session: Session, person: Subscriber) -> list[Event]:
    theirs = select(Noted).where(Noted.subscriber_id == person.id).options(selectinload(Noted.wording))
    kept = session.scalars(theirs.order_by(Noted.id))
    names = dict(list(session.execute(select(Sequence.id, Sequence.name))))
    about = {one.id: one.name for one in topics.every(session)}
    return [_told(one, names.get(one.sequence_id or 0, ""), about.get(one.topic_id or 0, "")) for one in kept]


def _told(noted: Noted, series: str, topic: str) -> Event:
    named = series or topic
    title = f"{KINDS[noted.kind]}: {named}" if named else KINDS[noted.kind]
    own = in_words(noted.words) if noted.by is By.OWNER else noted.words  # keeps a reader's wording verbatim
    words = f"“{own}”" if noted.words else ""
    where = str(PRESSED[noted.by])
    if noted.page:
        where = " · ".join((where, _("page %(page)s", page=noted.page)))
    mark = "left" if noted.kind in ENDS else "series" if series else "confirmed"
    return Event(at=noted.at, kind=mark, title=title, lines=(words, where))


def _moves(session: Session, person: Subscriber) -> list[Event]:
    events = []
    for one in session.scalars(select(AddressChange).where(AddressChange.subscriber_id == person.id)):
        asked = _("Another address was asked for")
        events.append(Event(at=one.asked_at, kind="asked", title=asked, lines=(f"“{one.words}”",)))
        if one.done_at is not None:
            events.append(
                Event(one.done_at, "confirmed", _("The new address was confirmed by a press in its own mail"))
            )
        if one.ended_at is not None:
            stopped = _("The change of address was stopped")
            back = _("The change of address was taken back from the earlier address")
            events.append(Event(one.ended_at, "left", stopped if one.done_at is None else back))
    return events


def _guides(session: Session, person: Subscriber) -> list[Event]:
    events = []
    for request in session.scalars(select(GuideRequest).where(GuideRequest.subscriber_id == person.id)):
        events.append(Event(request.requested_at, "asked", _("Guide requested: %(title)s", title=request.guide.title)))
        if request.fetched_at is not None:
            events.append(
                Event(request.fetched_at, "fetched", _("Guide downloaded: %(title)s", title=request.guide.title))
            )
    return events


def _mails(session: Session, person: Subscriber, urls: Urls) -> list[Event]:
    messages = session.scalars(
        select(Message)
        .where(Message.subscriber_id == person.id)
        .order_by(Message.id.desc())
        .limit(LONGEST)
        .options(selectinload(Message.tries), selectinload(Message.revision))
    )
    entries = {entry.message_id: (entry, mail) for entry, mail in entries_of(session, person.id)}
    return [
        Event(
            at=_moment(m),
            kind="mail",
            title=message_title(m),
            lines=(*_late(m, person), *in_digest(entries.get(m.id)), *(one["title"] for one in digest_of(m))),
            message=m,
            url=path(urls.view(m.id)),
        )
        for m in reversed(messages.all())
    ]


def _clicks(session: Session, person: Subscriber) -> list[Event]:
    look = select(Click, Article.title).join(Revision, Revision.id == Click.revision_id).join(Article)
    look = look.where(Click.subscriber_id == person.id).order_by(Click.id.desc()).limit(LONGEST)
    events = []
    for click, title in session.execute(look.options(joinedload(Click.link))):
        by = _("Followed a link") if click.person_at else _("A machine followed a link")
        events.append(Event(at=click.at, kind="click", title=f"{by}: {title}", lines=(click.link.url,)))
    return events


def _late(message: Message, person: Subscriber) -> tuple[str, ...]:
    """A note that a mail accepted after the person had left was started before: none is started after."""
    left, taken = person.left_at, message.settled_at
    late = left and taken and taken >= left and message.lane is Lane.BULK and message.state in ACCEPTED
    return (ON_ITS_WAY,) if late else ()


def _moment(message: Message) -> datetime:
    if message.settled_at is not None:
        return message.settled_at
    return message.tries[-1].at if message.tries else message.created_at


def _series(session: Session, person: Subscriber) -> list[Event]:
    events = []
    for one in session.scalars(select(Enrollment).where(Enrollment.subscriber_id == person.id)):
        events.append(Event(one.started_at, "series", _("Series started: %(name)s", name=one.sequence.name)))
        if one.ended_at is not None:
            why = (why_there(one.reason),) if one.reason else ()
            events.append(
                Event(
                    at=one.ended_at,
                    kind="series",
                    title=_("Series %(status)s: %(name)s", status=word(one.status), name=one.sequence.name),
                    lines=why,
                )
            )
    return events
