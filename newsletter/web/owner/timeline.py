"""What happened between one person and us, in order: the page that answers “did Jane get the guide?”."""

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
from newsletter.mail.sentences import explained
from newsletter.sequences import Enrollment, Sequence
from newsletter.subscribers import AddressChange, Basis, Consent, Status, Stream, Subscriber, consent_topics
from newsletter.web.owner.door import PAGE

LONGEST = 4 * PAGE
"""Messages shown of one person, the newest."""
STREAMS = {
    Stream.CONFIRM: "Confirmation mail",
    Stream.REMINDER: "Reminder",
    Stream.GUIDE: "Guide mail",
    Stream.GOODBYE: "Goodbye mail",
    Stream.PROVE: "Link they asked for",
    Stream.STEP: "Series article",
    Stream.CAMPAIGN: "Campaign",
    Stream.TEST: "Test",
    Stream.NOTICE: "Notice",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` chooses its mark; `message` is there when it was a mail."""

    at: datetime
    kind: str
    title: str
    lines: tuple[str, ...] = ()
    message: Message | None = None
    url: str = ""


@dataclass(frozen=True, slots=True)
class GuideAnswer:
    """A guide as one person has it: the last request, the mail that went out for it, the first fetch."""

    guide: Guide
    requested_at: datetime | None
    message: Message | None
    fetched_at: datetime | None


ON_ITS_WAY = "It was on its way already when they left."
HOW_CONFIRMED = {
    Basis.MAIL: "Confirmed by the button in their own mail",
    Basis.PAGE: "Agreed on their own page",
    Basis.IMPORT: "Taken as confirmed on import, on the owner's word",
    Basis.FORM: "Taken from the form, because the address was confirmed before; nobody pressed a button",
    None: "Taken as confirmed; how is not on record",
}
"""What proves a consent, in words."""
KINDS = {
    EventKind.NEWSLETTER_ON: "Newsletter: on",
    EventKind.NEWSLETTER_OFF: "Newsletter: off",
    EventKind.TOPIC_ON: "Takes the topic",
    EventKind.TOPIC_OFF: "Left the topic",
    EventKind.EVERY_TOPIC: "Takes every topic, those to come too",
    EventKind.SERIES_STARTED: "Said yes to the series",
    EventKind.SERIES_RESUMED: "Started the series again, where they were",
    EventKind.SERIES_STOPPED: "Stopped the series",
    EventKind.PAUSED: "Paused everything",
    EventKind.WENT_ON: "Ended their pause",
    EventKind.LEFT: "Unsubscribed",
    EventKind.SAID_WHY: "Said why they left",
    EventKind.RETURNED: "Came back",
    EventKind.REFUSED: "Said “this was not me”: no form makes us write here again",
    EventKind.BOUNCED: "Stopped: the address bounced",
    EventKind.COMPLAINED: "Stopped: reported our mail as spam",
    EventKind.LIFTED: "Lifted by the owner: the address may be written to again",
}
ENDS = (EventKind.LEFT, EventKind.REFUSED, EventKind.BOUNCED, EventKind.COMPLAINED, EventKind.NEWSLETTER_OFF,
        EventKind.TOPIC_OFF, EventKind.PAUSED, EventKind.SAID_WHY)  # fmt: skip
PRESSED = {
    By.MAIL: "by the button behind the link in their own mail",
    By.ONE_CLICK: "by their mail program's one click",
    By.PAGE: "on their own page",
    By.OWNER: "by the owner",
    By.SERVER: "by the receiving server's answer",
}


def message_title(message: Message) -> str:
    """What a message was, in words."""
    what = STREAMS[message.stream]
    guide = (message.context or {}).get("guide")
    if message.revision is not None:
        return f"{what}: {message.revision.article.title}"
    return f"{what}: {guide['title']}" if isinstance(guide, dict) else what


def guide_answers(session: Session, person: Subscriber) -> list[GuideAnswer]:
    """Every guide of the house, asked for or not."""
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
    """Everything, the newest first; of one moment, what followed from the other first."""
    noted = _noted(session, person)
    events = [*_consents(session, person), *_guides(session, person), *noted]
    events += [*_series(session, person), *_mails(session, person, urls)]
    events += [*_clicks(session, person), *_moves(session, person)]
    if person.left_at is not None and not any(one.at == person.left_at for one in noted):
        left = "Unsubscribed" if person.status is Status.UNSUBSCRIBED else f"Stopped: the address {person.status}"
        events.append(Event(person.left_at, "left", left))
    return sorted(events, key=lambda event: event.at)[::-1]


def consent_record(session: Session, person: Subscriber) -> list[Event]:
    """What the person agreed to and took back, with the words they read, the oldest first."""
    events = [*_consents(session, person), *_noted(session, person), *_moves(session, person)]
    return sorted(events, key=lambda event: event.at)


def _consents(session: Session, person: Subscriber) -> list[Event]:
    events = []
    theirs = select(Consent).where(Consent.subscriber_id == person.id).options(selectinload(Consent.wording))
    for consent in session.scalars(theirs):
        newsletter = _newsletter(session, consent)
        where = " · ".join(filter(None, (
            f"page {consent.page}" if consent.page else "", f"form {consent.form}" if consent.form else "",
            f"from {consent.ip}" if consent.ip else "", f"wording {consent.wording.version}",
        )))  # fmt: skip
        asked = _asked(consent)
        events.append(
            Event(
                at=consent.given_at,
                kind="consent",
                title=asked,
                lines=(f"“{consent.wording.words}”", newsletter, where),
            )
        )
        if consent.confirmed_at is not None:
            basis = consent.basis or (Basis.IMPORT if consent.form == "import" else None)
            events.append(Event(consent.confirmed_at, "confirmed", HOW_CONFIRMED[basis]))
        elif consent.ended_at is not None:
            events.append(Event(consent.ended_at, "left", f"{asked}: never confirmed, and over since"))
    return events


def _newsletter(session: Session, consent: Consent) -> str:
    choice = consent_topics(session, [consent])
    if choice is None:
        return "Newsletter: not ticked"
    return "Newsletter: yes" if choice.every else f"Newsletter: {', '.join(topics.names_of(session, choice.ids))}"


def _asked(consent: Consent) -> str:
    """What such a row says: a form that nobody has stood by proves only that somebody typed this address."""
    if consent.form == "owner":
        return f"Sent by the owner: {consent.guide}"
    if consent.confirmed_at is None or consent.basis is Basis.FORM:
        return f"Somebody entered this address for {consent.guide or 'the newsletter'}"
    return f"Signed up for {consent.guide}" if consent.guide else "Agreed"


def _noted(session: Session, person: Subscriber) -> list[Event]:
    theirs = select(Noted).where(Noted.subscriber_id == person.id).options(selectinload(Noted.wording))
    kept = session.scalars(theirs.order_by(Noted.id))
    names = dict(list(session.execute(select(Sequence.id, Sequence.name))))
    about = {one.id: one.name for one in topics.every(session)}
    return [_told(one, names.get(one.sequence_id or 0, ""), about.get(one.topic_id or 0, "")) for one in kept]


def _told(noted: Noted, series: str, topic: str) -> Event:
    named = series or topic
    title = f"{KINDS[noted.kind]}: {named}" if named else KINDS[noted.kind]
    words = f"“{noted.words}”" if noted.words else ""
    where = f"{PRESSED[noted.by]}{f' · page {noted.page}' if noted.page else ''}"
    mark = "left" if noted.kind in ENDS else "series" if series else "confirmed"
    return Event(at=noted.at, kind=mark, title=title, lines=(words, where[0].upper() + where[1:]))


def _moves(session: Session, person: Subscriber) -> list[Event]:
    events = []
    for one in session.scalars(select(AddressChange).where(AddressChange.subscriber_id == person.id)):
        asked = "Asked for another address on their own page"
        events.append(Event(at=one.asked_at, kind="asked", title=asked, lines=(f"“{one.words}”",)))
        if one.done_at is not None:
            events.append(Event(one.done_at, "confirmed", "The new address was confirmed by a press in its own mail"))
        if one.ended_at is not None:
            ended = "stopped" if one.done_at is None else "taken back from the earlier address"
            events.append(Event(one.ended_at, "left", f"The change of address was {ended}"))
    return events


def _guides(session: Session, person: Subscriber) -> list[Event]:
    events = []
    for request in session.scalars(select(GuideRequest).where(GuideRequest.subscriber_id == person.id)):
        events.append(Event(request.requested_at, "asked", f"Guide requested: {request.guide.title}"))
        if request.fetched_at is not None:
            events.append(Event(request.fetched_at, "fetched", f"Guide downloaded: {request.guide.title}"))
    return events


def _mails(session: Session, person: Subscriber, urls: Urls) -> list[Event]:
    messages = session.scalars(
        select(Message)
        .where(Message.subscriber_id == person.id)
        .order_by(Message.id.desc())
        .limit(LONGEST)
        .options(selectinload(Message.tries), selectinload(Message.revision))
    )
    return [
        Event(
            at=_moment(m),
            kind="mail",
            title=message_title(m),
            lines=_late(m, person),
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
        by = "Followed a link" if click.person_at else "A machine followed a link"
        events.append(Event(at=click.at, kind="click", title=f"{by}: {title}", lines=(click.link.url,)))
    return events


def _late(message: Message, person: Subscriber) -> tuple[str, ...]:
    """That a mail a server took after the person had left was begun before: nothing is begun after."""
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
        events.append(Event(one.started_at, "series", f"Series started: {one.sequence.name}"))
        if one.ended_at is not None:
            why = (explained(one.reason),) if one.reason else ()
            events.append(
                Event(at=one.ended_at, kind="series", title=f"Series {one.status}: {one.sequence.name}", lines=why)
            )
    return events
