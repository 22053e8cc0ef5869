"""Segment: which subscribers a campaign goes to."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, false, func, literal, or_, select
from sqlalchemy.orm import Session

from newsletter.figures import figure, figure_if_kept
from newsletter.subscribers.consent import Consent
from newsletter.subscribers.segments import DatedRules, condition
from newsletter.subscribers.segments.had import had_article, mailed_since
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
    without: tuple[DatedRules, ...] = ()
    """Exclusions as "none of" rules, all of which must match."""
    had: int | None = None
    """The id of an article that members have not had."""
    besides: tuple["Segment", ...] = ()
    """Segments that members are not in."""
    quiet_since: datetime | None = None
    """Members were sent no other bulk mail since this moment, and have no series or weekly mail on its way."""

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
        for left_out in self.without:
            everybody &= condition(left_out)
        if self.had is not None:
            everybody &= ~had_article(self.had)
        if self.besides or self.quiet_since is not None:
            everybody &= ~self._elsewhere()
        if self.guide is None:
            return everybody
        asked = select(Consent.id).where(
            Consent.subscriber_id == Subscriber.id, Consent.guide == self.guide, Consent.confirmed_at.is_not(None)
        )
        return everybody & asked.exists()

    def _elsewhere(self) -> ColumnElement[bool]:
        """Those who get another mail, whom `besides` and `quiet_since` leave out."""
        others = [one.condition() for one in self.besides]
        if self.quiet_since is not None:
            others.append(mailed_since(self.quiet_since))
        return or_(false(), *others)

    def two_mails(self) -> ColumnElement[bool]:
        """SQL condition on Subscriber: those left out only because they get another mail."""
        return replace(self, besides=(), quiet_since=None).condition() & self._elsewhere()

    def two_mails_soon(self, session: Session, most: int) -> int | None:
        """How many `two_mails` finds, counting up to `most`; None while it is counted in the background."""
        found = select(literal(1)).select_from(Subscriber).where(self.two_mails()).limit(most).subquery()
        look = select(func.count()).select_from(found)
        return figure_if_kept(session, ("two mails", self, most), lambda it: it.scalar(look) or 0)

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
        """The same, but None while it is counted in the background; a later request has it."""
        return figure_if_kept(session, ("in segment", self), self._count)

    def _count(self, session: Session) -> int:
        return session.scalar(select(func.count()).select_from(Subscriber).where(self.condition())) or 0

    def newest(self, session: Session, most: int) -> list[Subscriber]:
        """The recipients who signed up last, newest first; who they are is cached like a figure."""
        look = select(Subscriber.id).where(self.condition()).order_by(Subscriber.id.desc()).limit(most)
        ids = figure(session, ("newest in segment", self, most), lambda it: tuple(it.scalars(look)))
        return list(session.scalars(select(Subscriber).where(Subscriber.id.in_(ids)).order_by(Subscriber.id.desc())))


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
