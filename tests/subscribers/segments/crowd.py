"""A crowd of random people with all that rules ask, and the same rules worked out in plain Python."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from newsletter.articles import write
from newsletter.campaigns import Campaign
from newsletter.clicks import Click, Link
from newsletter.forms import Form
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import ACCEPTED, Dispatch, Lane, Message, State
from newsletter.subscribers import (
    EVERY_TOPIC,
    Consent,
    FieldKind,
    Status,
    Stream,
    Subscriber,
    TopicChoice,
    add_field,
    retag,
    set_topics,
    set_values,
)
from newsletter.subscribers.segments import Group, How, Rules
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments.comparing import COMPARABLE
from newsletter.topics import Topic
from newsletter.wordings import wording_id
from tests.conftest import NOON
from tests.subscribers.segments.ways import Ways, go, series

TAGS = ("runners", "Runners", "50% off", "a_b")
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata")
LANGUAGES, HOUSE_LANGUAGE = ("en-GB", "de", "pt-BR"), "en-GB"
VALUES = {
    "town": (FieldKind.TEXT, ("London", "LONDON", "Straße", "50%", "a_b", "York")),
    "height": (FieldKind.NUMBER, ("170", "170.5", "-3", "0")),
    "born": (FieldKind.DATE, ("1960-05-03", "1960-05-04", "2001-01-01")),
    "size": (FieldKind.CHOICE, ("S", "M", "L")),
    "walks": (FieldKind.YES_NO, ("yes", "no")),
}
WORDS = ("ann", "E7@", "bob", "e1", "%", "_", "p1@example.com", "Zoë")
DAYS = tuple(date(2026, 5, 1) + timedelta(days=number) for number in range(35))


@dataclass
class Person:
    """One of the crowd, as plain values."""

    email: str
    name: str
    status: Status
    newsletter: bool
    zone: str | None
    joined: datetime
    language: str | None = None
    tags: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)
    forms: set[int] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)
    sent: dict[int, tuple[State, datetime | None]] = field(default_factory=dict)
    """By campaign."""
    clicked: dict[int, datetime | None] = field(default_factory=dict)
    """By campaign; None: a machine did."""
    topics: TopicChoice = EVERY_TOPIC
    ways: Ways = field(default_factory=Ways)


@dataclass
class Crowd:
    """The people by id, and what rules about them may name."""

    people: dict[int, Person]
    guides: list[str]
    forms: list[int]
    campaigns: list[int]
    topics: list[int] = field(default_factory=list)
    series: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)


def _person(random: Random, number: int) -> Person:
    name = random.choice(("", "Ann", "bob", "Zoë"))
    joined = datetime.combine(random.choice(DAYS), datetime.min.time(), UTC) + timedelta(minutes=random.randrange(1440))
    zone = random.choice((None, *ZONES))
    language = random.choice((None, *LANGUAGES))
    status, newsletter = random.choice(list(Status)), random.random() < 0.5
    return Person(f"p{number}@example.com", name, status, newsletter, zone, joined, language)


def make(session: Session, seed: int, people: int = 40) -> Crowd:
    """People who stand, hold and did this and that."""
    random = Random(seed)
    guides = session.execute(select(Guide.slug, Guide.id)).all()
    crowd = Crowd({}, [slug for slug, _ in guides], list(session.scalars(select(Form.id))), [])
    crowd.topics = list(session.scalars(select(Topic.id)))
    fields = {
        key: add_field(session, key=key, label=key.title(), kind=kind, fallback="", now=NOON,
                       choices=list(values) if kind is FieldKind.CHOICE else [])
        for key, (kind, values) in VALUES.items()
    }  # fmt: skip
    every = [series(session, random, name) for name in ("strong", "calm")]
    crowd.series = [one.id for one in every]
    crowd.steps = [step.id for one in every for step in one.current_steps]
    dispatches = [_campaign(session, crowd, number) for number in range(2)]
    for number in range(people):
        one = _person(random, number)
        row = Subscriber(email=one.email, email_key=one.email, first_name=one.name, zone=one.zone, status=one.status,
                         language=one.language,
                         newsletter=one.newsletter, created_at=one.joined)  # fmt: skip
        session.add(row)
        session.flush()
        crowd.people[row.id] = one
        one.tags = {tag for tag in TAGS if random.random() < 0.4}
        retag(session, row.id, one.tags)
        if random.random() < 0.7:
            one.topics = TopicChoice.of(id for id in crowd.topics if random.random() < 0.5)
            set_topics(session, row, one.topics)
        one.values = {key: random.choice(values) for key, (_, values) in VALUES.items() if random.random() < 0.6}
        set_values(session, row.id, {fields[key]: value for key, value in one.values.items()})
        _consents(session, random, crowd, row.id, one)
        one.ways = go(session, random, row.id, every)
        for slug, id in guides:
            if random.random() < 0.4:
                fetched = NOON if random.random() < 0.5 else None
                session.add(GuideRequest(subscriber_id=row.id, guide_id=id, requested_at=NOON, fetched_at=fetched))
                one.fetched |= {slug} if fetched else set()
        for campaign, dispatch in zip(crowd.campaigns, dispatches, strict=True):
            _sent(session, random, row.id, one, campaign, dispatch)
    session.flush()
    return crowd


def _campaign(session: Session, crowd: Crowd, number: int) -> int:
    article = write(session, NOON, title=f"Golf {number}", subject="Golf", body="Turn.")
    dispatch = Dispatch(
        revision_id=article.current.id, idempotency_key=f"campaign:{number}", created_at=NOON, fill_until=0
    )
    campaign = Campaign(article=article, created_at=NOON, dispatch=dispatch, counted_clicks=True)
    session.add(Link(url=f"https://example.com/{number}"))
    session.add(campaign)
    session.flush()
    crowd.campaigns.append(campaign.id)
    return dispatch.id


def _consents(session: Session, random: Random, crowd: Crowd, id: int, one: Person) -> None:
    read = wording_id(session, "Yes.")
    for _ in range(random.randrange(3)):
        guide, form = random.choice((None, *crowd.guides)), random.choice((None, *crowd.forms))
        confirmed = random.random() < 0.6
        session.add(Consent(subscriber_id=id, guide=guide, form_id=form, wording_id=read, given_at=NOON,
                            confirmed_at=NOON if confirmed else None))  # fmt: skip
        one.asked |= {guide} if guide and confirmed else set()
        one.forms |= {form} if form and confirmed else set()


def _sent(session: Session, random: Random, id: int, one: Person, campaign: int, dispatch: int) -> None:
    if random.random() < 0.5:
        state = random.choice((State.SENT, State.UNCERTAIN, State.FAILED, State.READY, State.BOUNCED))
        settled = None if state is State.READY else NOON - timedelta(days=random.randrange(20))
        values = {"subscriber_id": id, "stream": Stream.CAMPAIGN, "idempotency_key": f"campaign:{campaign}",
                  "lane": Lane.BULK, "state": state, "created_at": NOON, "settled_at": settled,
                  "dispatch_id": dispatch, "attempts": 0}  # fmt: skip
        message = session.execute(insert(Message).values(values)).inserted_primary_key[0]
        one.sent[campaign] = state, settled
        if random.random() < 0.5:
            _clicks(session, random, id, one, campaign, dispatch, message)


def _clicks(session: Session, random: Random, id: int, one: Person, campaign: int, dispatch: int, message: int) -> None:
    for link in random.sample(session.scalars(select(Link.id)).all(), random.randrange(1, 3)):
        person = random.choice((None, NOON - timedelta(days=random.randrange(20))))
        machine = None if person else NOON
        session.add(Click(subscriber_id=id, message_id=message, dispatch_id=dispatch, revision_id=1, link_id=link,
                          person_at=person, machine_at=machine))  # fmt: skip
        known = one.clicked.get(campaign)
        one.clicked[campaign] = max(known, person) if known and person else known or person


def holds(rule: r.Rule, one: Person, zone: str, now: datetime) -> bool:
    """Whether a rule holds for a person: the rule in plain Python, written without a look at the SQL."""
    here = ZoneInfo(zone)
    joined, today = one.joined.astimezone(here).date(), now.astimezone(here).date()
    match rule:
        case Group(how, rules):
            found = [holds(inner, one, zone, now) for inner in rules]
            return {How.ALL: all(found), How.ANY: any(found), How.NONE: not any(found)}[how]
        case r.HasStatus(status):
            return one.status is status
        case r.HasTag(tag):
            return tag in one.tags
        case r.AskedFor(guide):
            return guide in one.asked
        case r.Fetched(guide):
            return guide in one.fetched
        case r.SignedUpBy(form):
            return form in one.forms
        case r.JoinedBefore(day):
            return joined < day
        case r.JoinedAfter(day):
            return joined > day
        case r.JoinedLately(days):
            return joined >= today - timedelta(days=days)
        case r.TakesNewsletter(takes):
            return one.newsletter is takes
        case r.TakesTopic(topic):
            return one.newsletter and (one.topics.every or topic in one.topics.ids)
        case r.InZone(where):
            return one.zone == where
        case r.ReadsIn(code):
            return (one.language or HOUSE_LANGUAGE).removesuffix("-GB") == code.removesuffix("-GB")
        case r.Called(words):
            if "@" in words.strip("@"):
                return one.email.startswith(words.lower())
            return words.lower() in one.email or words.lower() in one.name.lower()
        case r.HasField():
            return _compared(rule, one.values.get(rule.field))
        case r.WasSent(campaign):
            return campaign in one.sent and _left(one.sent[campaign])
        case r.SentLately(days):
            when = [at for state, at in one.sent.values() if at and _left((state, at))]
            return any(at.astimezone(here).date() >= today - timedelta(days=days) for at in when)
        case r.Clicked(campaign):
            return one.clicked.get(campaign) is not None
        case r.ClickedNothing(campaign):
            sent = campaign in one.sent and _left(one.sent[campaign])
            return sent and one.clicked.get(campaign) is None
        case r.ClickedLately(days):
            clicks = [at for at in one.clicked.values() if at]
            return any(at.astimezone(here).date() >= today - timedelta(days=days) for at in clicks)
        case r.InSeries(number, stage):
            return one.ways.stages[number] is stage
        case r.AtStep(step):
            return step in one.ways.next
    raise AssertionError(rule)


def _left(sent: tuple[State, datetime | None]) -> bool:
    return sent[0] in (*ACCEPTED, State.UNCERTAIN)


def _compared(rule: r.HasField, held: str | None) -> bool:
    if rule.how is r.Compare.FILLED or held is None:
        return (held is not None) if rule.how is r.Compare.FILLED else rule.how is r.Compare.IS_NOT
    theirs, asked = held.casefold(), rule.value.casefold()
    if rule.how is r.Compare.CONTAINS:
        return asked in theirs
    left, right = (float(theirs), float(asked)) if rule.type is FieldKind.NUMBER else (theirs, asked)
    match rule.how:
        case r.Compare.IS:
            return left == right
        case r.Compare.IS_NOT:
            return left != right
        case r.Compare.MORE:
            return left > right  # type: ignore[operator]
    return left < right  # type: ignore[operator]


def _any(values: Collection[int] | Collection[str]) -> st.SearchStrategy[int | str]:
    return st.sampled_from(list(values))


@st.composite
def _fields(draw: st.DrawFn) -> r.HasField:
    key = draw(st.sampled_from(list(VALUES)))
    kind, values = VALUES[key]
    how = draw(st.sampled_from(COMPARABLE[kind]))
    return r.HasField(key, kind, how, "" if how is r.Compare.FILLED else draw(st.sampled_from(values)))


def leaves(guides: Collection[str], forms: Collection[int], campaigns: Collection[int],
           topics: Collection[int], series: Collection[int],
           steps: Collection[int]) -> st.SearchStrategy[r.Rule]:  # fmt: skip
    """Any rule that is no group."""
    return st.one_of(
        st.builds(r.HasStatus, st.sampled_from(list(Status))), st.builds(r.HasTag, st.sampled_from(TAGS)),
        st.builds(r.AskedFor, _any(guides)), st.builds(r.Fetched, _any(guides)), st.builds(r.SignedUpBy, _any(forms)),
        st.builds(r.JoinedBefore, st.sampled_from(DAYS)), st.builds(r.JoinedAfter, st.sampled_from(DAYS)),
        st.builds(r.JoinedLately, st.integers(1, 40)), st.builds(r.TakesNewsletter, st.booleans()),
        st.builds(r.InZone, st.sampled_from(ZONES)),
        st.builds(r.ReadsIn, st.sampled_from(("en", *LANGUAGES))), st.builds(r.Called, st.sampled_from(WORDS)),
        st.builds(r.TakesTopic, _any(topics)), _fields(), st.builds(r.WasSent, _any(campaigns)),
        st.builds(r.SentLately, st.integers(1, 20)),
        st.builds(r.Clicked, _any(campaigns)), st.builds(r.ClickedNothing, _any(campaigns)),
        st.builds(r.ClickedLately, st.integers(1, 20)),
        st.builds(r.InSeries, _any(series), st.sampled_from(r.Stage)), st.builds(r.AtStep, _any(steps)),
    )  # fmt: skip


def trees(leaf: st.SearchStrategy[r.Rule]) -> st.SearchStrategy[Rules]:
    """Rules in groups, three deep at most."""
    rule = leaf
    for _ in range(3):
        group = st.builds(Group, st.sampled_from(How), st.lists(rule, min_size=1, max_size=3).map(tuple))
        rule = st.one_of(leaf, group)
    return st.builds(Rules, rule, st.sampled_from(("UTC", *ZONES)))
