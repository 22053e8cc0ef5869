"""Segment: which subscribers a campaign goes to."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from newsletter.figures import figure, figure_if_kept
from newsletter.subscribers.consent import Consent
from newsletter.subscribers.segments import DatedRules, condition
from newsletter.subscribers.slice import Slice
from newsletter.subscribers.subscriber import Status, Subscriber
from newsletter.subscribers.subscription import takes_topic
from newsletter.subscribers.tag import with_tag
from newsletter.zones import OwnTime


@dataclass(frozen=True, slots=True)
class Segment:
    """Everybody who agreed to the newsletter, narrowed to those who asked for `guide`, have `tag`, match `rules`, take
    `topic` (its id), or fall into `slice`. Nothing here can include somebody who did not agree."""

    guide: str | None = None
    tag: str | None = None
    rules: DatedRules | None = None
    topic: int | None = None
    slice: Slice | None = None

    def condition(self) -> ColumnElement[bool]:
        """SQL condition on Subscriber: members who have not paused."""
        return self.members() & Subscriber.paused_until.is_(None)

    def members(self) -> ColumnElement[bool]:
        """SQL condition on Subscriber: all members, including paused ones."""
        everybody = (Subscriber.status == Status.CONFIRMED) & Subscriber.newsletter
        if self.slice is not None:  # first, because it reads no other table
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
        """How many members have paused."""
        look = select(func.count()).select_from(Subscriber)
        paused = look.where(self.members(), Subscriber.paused_until.is_not(None))
        return figure(session, ("paused in segment", self), lambda it: it.scalar(paused) or 0)

    def weekly(self, session: Session) -> int:
        """How many recipients get it in their weekly digest."""
        look = select(func.count()).select_from(Subscriber).where(self.condition(), Subscriber.digest)
        return figure(session, ("weekly in segment", self), lambda it: it.scalar(look) or 0)

    def zones(self, session: Session) -> dict[str | None, int]:
        """Recipients by time zone; None for those without one."""
        look = select(Subscriber.zone, func.count()).where(self.condition()).group_by(Subscriber.zone)
        return figure(session, ("zones in segment", self), lambda it: dict(it.execute(look).all()))

    def size(self, session: Session) -> int:
        """How many recipients it has now."""
        return figure(session, ("in segment", self), self._count)

    def size_if_kept(self, session: Session) -> int | None:
        """The same, but None where a page would wait for it: it is counted beside, and there a little later."""
        return figure_if_kept(session, ("in segment", self), self._count)

    def _count(self, session: Session) -> int:
        return session.scalar(select(func.count()).select_from(Subscriber).where(self.condition())) or 0


@dataclass(frozen=True, slots=True)
class Mailing:
    """A planned campaign: when it is sent, and to whom."""

    at: datetime
    segment: Segment
    own: OwnTime | None = None
    """The local time, if everyone gets it at their own; `at` is then when the first get it."""

    def goes_at(self, zone: str | None) -> datetime:
        """When it is sent to somebody in this zone (None: unknown)."""
        return self.at if self.own is None else max(self.at, self.own.instant(zone))
