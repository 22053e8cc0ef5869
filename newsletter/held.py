"""What the send lock holds back: listed for the owner, who decides about each item and unlocks.

Only what would go by itself now is listed. What is due later goes at its time once unlocked.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter import installation, journey, sequences
from newsletter.campaigns import (
    ABTest,
    Campaign,
    CampaignState,
    Judge,
    Part,
    Waits,
    ab_test_of,
    due_digests,
    to_come,
    together,
)
from newsletter.languages import said
from newsletter.mail import ledger
from newsletter.mail.ledger import ACCEPTED, UNDER_WAY, Lane, Message, Reason, digest
from newsletter.sequences import Sequence
from newsletter.subscribers import Stream


class HeldKind(StrEnum):
    """The kind of a held item."""

    CAMPAIGN = "campaign"
    AB_TEST = "ab_test"
    """The winner of a test whose time is over: it would be decided at once and go to the rest."""
    SEQUENCE = "sequence"
    MESSAGES = "messages"
    REMINDERS = "reminders"
    DIGESTS = "digests"
    """Weekly mails."""


class Undecided(ValueError):
    """Some held items were not decided; the message names them."""


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that would go by itself; `key` names it in a form."""

    kind: HeldKind
    key: str
    title: str
    people: int
    """How many people would get it."""
    gone: int
    """How many had got it at the moment this state is from."""
    since: datetime | None
    """When it was due, if it has one time."""
    begun: bool = True
    """False: a campaign that had not been launched."""


def held(session: Session, now: datetime) -> list[Held]:
    """Everything that would go by itself if sending were unlocked now."""
    mailings = [*_campaigns(session, now), *_ab_tests(session, now)]
    single = [*_messages(session), *_digests(session, now), *_reminders(session, now)]
    return [*mailings, *_sequences(session, now), *single]


def _campaigns(session: Session, now: datetime) -> list[Held]:
    due = (Campaign.stored_state == CampaignState.SCHEDULED) & (Campaign.scheduled_at <= now)
    under_way = Campaign.stored_state == CampaignState.SENDING
    found = session.scalars(select(Campaign).where(due | under_way).order_by(Campaign.id)).all()
    tested = [test for one in found if one.part is Part.A and (test := ab_test_of(session, one))]
    seconds = {test.b_id for test in tested}  # A speaks for both
    halves = {test.a_id: test.both for test in tested}
    return [_campaign(session, one, halves.get(one.id, (one,)), now) for one in found if one.id not in seconds]


def _campaign(session: Session, campaign: Campaign, parts: Collection[Campaign], now: datetime) -> Held:
    numbers = [_people(session, one, now) for one in parts]
    return Held(
        kind=HeldKind.CAMPAIGN, key=f"campaign-{campaign.id}", title=campaign.article.title,
        people=sum(people for people, _ in numbers), gone=sum(gone for _, gone in numbers),
        since=campaign.launched_at or campaign.scheduled_at, begun=campaign.dispatch is not None,
    )  # fmt: skip


def _people(session: Session, campaign: Campaign, now: datetime) -> tuple[int, int]:
    """How many would get it, and how many have."""
    counts = campaign.counts(session)
    gone = sum(counts[state] for state in ACCEPTED)
    people = sum(counts[state] for state in UNDER_WAY)
    if campaign.dispatch is None or campaign.dispatch.filled_at is None:
        people = max(campaign.audience(now).size(session) - gone, people)
    return people, gone


def _ab_tests(session: Session, now: datetime) -> list[Held]:
    return [
        Held(
            kind=HeldKind.AB_TEST, key=f"ab_test-{test.id}", title=test.a.article.title,
            people=rest.audience(now).size(session), gone=0, since=at,
        )
        for at, test, rest in to_come(session)
        if test.judge is Judge.CLICKS and test.ends_at is not None and at <= now
    ]  # fmt: skip


def _sequences(session: Session, now: datetime) -> list[Held]:
    listed = []
    for one in session.scalars(select(Sequence).order_by(Sequence.id)).all():
        due = sequences.due_of(one, now).subquery()
        people, since = session.execute(select(func.count(), func.min(due.c.due_at)).select_from(due)).one()
        if people and one.live:
            listed.append(
                Held(
                    kind=HeldKind.SEQUENCE, key=f"sequence-{one.id}", title=one.name, people=people, gone=0, since=since
                )
            )
    return listed


def _messages(session: Session) -> list[Held]:
    rows = session.execute(
        select(Message.stream, func.count(), func.min(Message.created_at))
        .where(*_single(session))
        .group_by(Message.stream)
        .order_by(Message.stream)
    )
    return [
        Held(kind=HeldKind.MESSAGES, key=f"messages-{stream}", title=stream.value, people=n, gone=0, since=since)
        for stream, n, since in rows
    ]


def _digests(session: Session, now: datetime) -> list[Held]:
    due = due_digests(session, now)
    if not due:
        return []
    return [
        Held(
            kind=HeldKind.DIGESTS, key="digests-due", title=Stream.DIGEST.value, people=len(due), gone=0,
            since=min(due.values()),
        )
    ]  # fmt: skip


def _reminders(session: Session, now: datetime) -> list[Held]:
    due = journey.reminders_due(now).subquery()
    people, since = session.execute(select(func.count(), func.min(due.c.created_at)).select_from(due)).one()
    return (
        [
            Held(
                kind=HeldKind.REMINDERS,
                key="reminders-due",
                title=Stream.REMINDER.value,
                people=people,
                gone=0,
                since=since,
            )
        ]
        if people
        else []
    )


def _single(session: Session) -> tuple[ColumnElement[bool], ...]:
    """The conditions for transactional messages queued before the lock."""
    above = installation.current(session).locked_above
    return (
        Message.id <= above, Message.lane == Lane.TRANSACTIONAL, Message.due_at.is_not(None),
        Message.state.in_(ledger.OPEN),
    )  # fmt: skip


def unlock(session: Session, sends: Mapping[str, bool], zone: str, now: datetime) -> list[tuple[Held, bool]]:
    """Send what the owner wants sent, drop the rest, and unlock. Raises Undecided, and then nothing has changed.

    `sends`: whether each held item goes, by key. `zone`: for subscribers without their own.
    """
    items = held(session, now)
    if open_ones := [one.title for one in items if one.key not in sends]:
        raise Undecided(said("Please decide about each of these: %(open_ones)s.", open_ones=", ".join(open_ones)))
    let_be: dict[HeldKind, Callable[[Session, str, str, datetime], None]] = {
        HeldKind.CAMPAIGN: _let_campaign_be,
        HeldKind.AB_TEST: _let_ab_test_be,
        HeldKind.SEQUENCE: _let_sequence_be,
        HeldKind.MESSAGES: _let_messages_be,
        HeldKind.REMINDERS: _let_reminders_be,
        HeldKind.DIGESTS: _let_digests_be,
    }
    for one in items:
        if not sends[one.key]:
            let_be[one.kind](session, one.key.partition("-")[2], zone, now)
    installation.current(session).unlock()
    return [(one, sends[one.key]) for one in items]


def _let_campaign_be(session: Session, id: str, zone: str, now: datetime) -> None:
    """Turn a scheduled campaign back into a draft; cancel the rest of one under way."""
    campaign = session.get_one(Campaign, int(id), with_for_update=True)
    if campaign.stored_state is CampaignState.SCHEDULED:
        together.unschedule(session, campaign)
    else:
        together.cancel(session, campaign, now)


def _let_ab_test_be(session: Session, id: str, zone: str, now: datetime) -> None:
    """Make it wait for a press, like a test that its owner decides."""
    session.get_one(ABTest, int(id), with_for_update=True).waits = Waits.LET_BE


def _let_sequence_be(session: Session, id: str, zone: str, now: datetime) -> None:
    sequences.let_be(session, session.get_one(Sequence, int(id)), now, zone)


def _let_messages_be(session: Session, stream: str, zone: str, now: datetime) -> None:
    ledger.cancel(session, now, Reason.LET_BE, *_single(session), Message.stream == Stream(stream))


def _let_digests_be(session: Session, _: str, zone: str, now: datetime) -> None:
    for id in sorted(due_digests(session, now)):
        digest.take_back(session, id, Reason.LET_BE, now)
        digest.call_off(session, id, Reason.LET_BE)


def _let_reminders_be(session: Session, _: str, zone: str, now: datetime) -> None:
    """Record cancelled reminders, so that none of these people is ever reminded automatically."""
    for subscriber in session.scalars(journey.reminders_due(now)).all():
        message, _fresh = ledger.queue(session, subscriber, Stream.REMINDER, "reminder", now, context={})
        ledger.cancel(session, now, Reason.LET_BE, Message.id == message.id)
