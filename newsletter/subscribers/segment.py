"""Segment: which subscribers a campaign goes to."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.figures import figure
from newsletter.subscribers.consent import Consent
from newsletter.subscribers.segments import DatedRules, condition
from newsletter.subscribers.slice import Slice
from newsletter.subscribers.subscriber import Status, Subscriber
from newsletter.subscribers.subscription import takes_topic
from newsletter.subscribers.tag import with_tag
from newsletter.zones import OwnTime


@dataclass(frozen=True, slots=True)
class Segment:
    """Everybody who agreed to the newsletter; of these, with `guide`, who asked for it, with `tag`, who has it, with
    `rules`, for whom they hold, with `topic` (its number), who takes it, and with `slice`, whose lot it is. Each of
    them narrows; none lets anybody in who did not agree."""

    guide: str | None = None
    tag: str | None = None
    rules: DatedRules | None = None
    topic: int | None = None
    slice: Slice | None = None

    def condition(self) -> ColumnElement[bool]:
        """The segment as an SQL condition on Subscriber: those of it who have not paused."""
        return self.members() & Subscriber.paused_until.is_(None)

    def members(self) -> ColumnElement[bool]:
        """The same with those who have paused."""
        everybody = (Subscriber.status == Status.CONFIRMED) & Subscriber.newsletter
        if self.slice is not None:  # first: it costs less than whatever looks into another table
            everybody &= self.slice.condition()
        if self.tag is not None:
            everybody &= with_tag(self.tag)
        if self.rules is not None:
            everybody &= condition(self.rules)
        if self.topic is not None:
            everybody &= takes_topic(self.topic)
        if self.guide is None:
            return everybody
        asked = select(Consent.id).where(
            Consent.subscriber_id == Subscriber.id, Consent.guide == self.guide, Consent.confirmed_at.is_not(None)
        )
        return everybody & asked.exists()

    def paused(self, session: Session) -> int:
        """How many of its people have paused, and get nothing while they do."""
        look = select(func.count()).select_from(Subscriber)
        paused = look.where(self.members(), Subscriber.paused_until.is_not(None))
        return figure(session, ("paused in segment", self), lambda it: it.scalar(paused) or 0)

    def weekly(self, session: Session) -> int:
        """How many of those it goes to get it in their weekly mail."""
        look = select(func.count()).select_from(Subscriber).where(self.condition(), Subscriber.digest)
        return figure(session, ("weekly in segment", self), lambda it: it.scalar(look) or 0)

    def zones(self, session: Session) -> dict[str | None, int]:
        """How many of those it goes to have told which time zone; under None who told none."""
        look = select(Subscriber.zone, func.count()).where(self.condition()).group_by(Subscriber.zone)
        return figure(session, ("zones in segment", self), lambda it: dict(it.execute(look).all()))

    def size(self, session: Session) -> int:
        """How many people are in it now."""
        look = select(func.count()).select_from(Subscriber).where(self.condition())
        return figure(session, ("in segment", self), lambda it: it.scalar(look) or 0)


@dataclass(frozen=True, slots=True)
class Mailing:
    """A campaign that is planned: when it goes, and to whom."""

    at: datetime
    segment: Segment
    own: OwnTime | None = None
    """Of one that goes to everyone at their own time: that time; `at` is when the first of them get it."""

    def goes_at(self, zone: str | None) -> datetime:
        """When it goes to somebody of this zone (None: not known)."""
        return self.at if self.own is None else max(self.at, self.own.instant(zone))
