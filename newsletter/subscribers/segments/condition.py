"""Compiles rules to an SQL condition on Subscriber."""

from sqlalchemy import ColumnElement, Exists, ScalarSelect, and_, exists, false, func, not_, or_, select

from newsletter.clicks import Click, ClickObjection
from newsletter.languages import IN_ENGLISH
from newsletter.subscribers.consent import Consent
from newsletter.subscribers.field import Field
from newsletter.subscribers.field_value import FieldValue, folded
from newsletter.subscribers.merge_field import FieldKind
from newsletter.subscribers.search import found_by
from newsletter.subscribers.segments import rules as r
from newsletter.subscribers.segments.above import (
    BRAND,
    BULK,
    CAMPAIGNS,
    FORMS,
    GUIDE_REQUESTS,
    GUIDES,
    MESSAGES,
    SEQUENCES,
    STEPS,
)
from newsletter.subscribers.segments.comparing import Compare
from newsletter.subscribers.segments.had import sent_messages
from newsletter.subscribers.segments.position import at_step, in_series
from newsletter.subscribers.segments.refs import Ref, What
from newsletter.subscribers.subscriber import Subscriber
from newsletter.subscribers.subscription import takes_topic
from newsletter.subscribers.tag import Tag, with_tag
from newsletter.topics import Topic


def condition(rules: r.DatedRules) -> ColumnElement[bool]:
    """SQL condition: the rules match. Matches nobody if they are unreadable or refer to something deleted.

    The statement itself checks that everything exists, so that "does not have the tag" cannot match everybody because
    the tag was deleted meanwhile.
    """
    if not rules.is_readable:
        return false()
    counted = (_counted(leaf.campaign) for leaf in rules.leaves() if isinstance(leaf, r.ClickedNothing))
    return and_(_rule(rules.root, rules), *(is_there(name) for name in rules.names()), *counted)


def is_there(name: Ref) -> Exists:
    """SQL condition: what a rule refers to exists."""
    return _is_there(name).correlate(None)


def _is_there(name: Ref) -> Exists:
    match name.what:
        case What.TAG:
            return exists().where(Tag.name == name.name)
        case What.GUIDE:
            return exists().where(GUIDES.c.slug == name.name)
        case What.FORM:
            return exists().where(FORMS.c.id == name.name)
        case What.FIELD:
            return exists().where(Field.key == name.name, Field.kind == name.type)
        case What.CAMPAIGN:
            return exists().where(CAMPAIGNS.c.id == name.name)
        case What.TOPIC:
            return exists().where(Topic.id == name.name)
        case What.SERIES:
            return exists().where(SEQUENCES.c.id == name.name)
        case What.STEP:
            return exists().where(STEPS.c.id == name.name, STEPS.c.deleted_at.is_(None))


def _counted(campaign: int) -> Exists:
    """SQL condition: the campaign's clicks were counted; otherwise it is unknown who clicked nothing."""
    return exists().where(CAMPAIGNS.c.id == campaign, CAMPAIGNS.c.counted_clicks).correlate(None)


def _rule(rule: r.Rule, rules: r.DatedRules) -> ColumnElement[bool]:
    match rule:
        case r.Group(how, inner):
            parts = [_rule(one, rules) for one in inner]
            return and_(*parts) if how is r.How.ALL else or_(*parts) if how is r.How.ANY else not_(or_(*parts))
        case r.JoinedBefore(day):
            return Subscriber.created_at < rules.begin(day)
        case r.JoinedAfter(day):
            return Subscriber.created_at >= rules.begin(day + r.A_DAY)
        case r.JoinedLately(days):
            return Subscriber.created_at >= rules.since(days)
        case r.SentLately(days):
            return sent_messages(MESSAGES.c.lane == BULK, MESSAGES.c.settled_at >= rules.since(days))
        case r.ClickedLately(days):
            return _clicks(Click.person_at >= rules.since(days))
        case r.Unreadable():
            return false()
    return _leaf(rule)


def _leaf(rule: r.Leaf) -> ColumnElement[bool]:
    match rule:
        case r.HasStatus(status):
            return Subscriber.status == status
        case r.HasTag(tag):
            return with_tag(tag)
        case r.TakesNewsletter(takes):
            return Subscriber.newsletter.is_(takes)
        case r.TakesDigest(takes):
            weekly = and_(Subscriber.newsletter, Subscriber.digest)
            return weekly if takes else not_(weekly)
        case r.TakesTopic(topic):
            return and_(Subscriber.newsletter, takes_topic(topic))
        case r.InZone(zone):
            return and_(Subscriber.zone.is_not(None), Subscriber.zone == zone)  # never NULL, so that NOT works
        case r.ReadsIn(language):
            own = func.coalesce(Subscriber.language, select(BRAND.c.language).scalar_subquery())
            return own.in_(IN_ENGLISH if language in IN_ENGLISH else (language,))
        case r.Called(words):
            return found_by(words)
        case r.HasField():
            return not_(_field(rule)) if rule.how is Compare.IS_NOT else _field(rule)
    return _history(rule)


def _history(rule: r.Leaf) -> ColumnElement[bool]:
    match rule:
        case r.AskedFor(guide):
            return _agreed(Consent.guide == guide)
        case r.SignedUpBy(form):
            return _agreed(Consent.form_id == form)
        case r.Fetched(guide):
            fetched = (
                GUIDE_REQUESTS.c.subscriber_id == Subscriber.id, GUIDE_REQUESTS.c.fetched_at.is_not(None),
                GUIDE_REQUESTS.c.guide_id == GUIDES.c.id, GUIDES.c.slug == guide,
            )  # fmt: skip
            return select(GUIDES.c.id).where(*fetched).correlate(Subscriber).exists()
        case r.WasSent(campaign):
            return sent_messages(MESSAGES.c.dispatch_id == _dispatch(campaign), or_in_digest=True)
        case r.Clicked(campaign):
            return _clicks(Click.dispatch_id == _dispatch(campaign), Click.person_at.is_not(None))
        case r.ClickedNothing(campaign):
            sent = sent_messages(MESSAGES.c.dispatch_id == _dispatch(campaign))
            followed = _clicks(Click.dispatch_id == _dispatch(campaign), Click.person_at.is_not(None))
            objects = exists().where(ClickObjection.subscriber_id == Subscriber.id).correlate(Subscriber)
            return sent & ~followed & ~objects
        case r.InSeries(series, stage):
            return in_series(series, stage)
        case r.AtStep(step):
            return at_step(step)
    raise TypeError(f"a rule without SQL: {rule!r}")


def _agreed(which: ColumnElement[bool]) -> Exists:
    """SQL condition: a matching confirmed consent exists; an unconfirmed one may be somebody else's typing."""
    return (
        exists()
        .where(Consent.subscriber_id == Subscriber.id, which, Consent.confirmed_at.is_not(None))
        .correlate(Subscriber)
    )


def _dispatch(campaign: int) -> ScalarSelect[int]:
    """Uncorrelated, so that it is evaluated once per statement."""
    return select(CAMPAIGNS.c.dispatch_id).where(CAMPAIGNS.c.id == campaign).scalar_subquery()


def _clicks(*which: ColumnElement[bool]) -> Exists:
    return exists().where(Click.subscriber_id == Subscriber.id, *which).correlate(Subscriber)


def _field(rule: r.HasField) -> Exists:
    # Uncorrelated, so that the id is looked up once per statement.
    id = select(Field.id).where(Field.key == rule.field).scalar_subquery()
    return (
        exists()
        .where(FieldValue.subscriber_id == Subscriber.id, FieldValue.field_id == id, *_compared(rule))
        .correlate(Subscriber)
    )


def _compared(rule: r.HasField) -> list[ColumnElement[bool]]:
    is_number = rule.type is FieldKind.NUMBER and rule.value
    held = FieldValue.number if is_number else FieldValue.folded
    value = float(rule.value) if is_number else folded(rule.value)
    match rule.how:
        case Compare.CONTAINS:
            return [FieldValue.folded.contains(folded(rule.value), autoescape=True)]
        case Compare.MORE:
            return [held > value]
        case Compare.LESS:
            return [held < value]
        case Compare.FILLED:
            return []
    return [held == value]
