"""The hour in which readers follow links most, by their own clocks: a suggestion for when to send.

It reads the clicks that are counted anyway, people's alone, and keeps nothing of anybody.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, cast, extract, func, select
from sqlalchemy.orm import Session

from newsletter.brand import current
from newsletter.campaigns import Proportion
from newsletter.clicks import Click
from newsletter.figures import figure
from newsletter.subscribers import Subscriber
from newsletter.zones import known_zones, zone_named

SPAN = timedelta(days=90)
NEWEST = 100_000
"""Clicks that are looked at, at most: more would say the same, and take longer than a page may."""
LEAST_MAILS, LEAST_PEOPLE = 100, 30
"""Below these a few eager readers are all that it shows."""
QUARTER = 900
"""Seconds: every zone is a whole number of quarters from UTC."""


@dataclass(frozen=True, slots=True)
class BestHour:
    """What the clicks tell. Of each mail of each reader the first one counts."""

    hour: int
    """From 0 to 23: the one in which most of them were."""
    clicks: int
    of: int
    is_clear: bool
    """Whether they are enough to tell it from the other hours; not from the two beside it."""


def best_hour(session: Session, now: datetime) -> BestHour:
    """The hour in which most clicks of the last 90 days were, each on its reader's own clock."""
    day = now.astimezone(UTC).date()
    return figure(session, ("best hour", day), lambda it: _told(it, now - SPAN))


def _told(session: Session, since: datetime) -> BestHour:
    newest = session.scalar(select(func.max(Click.id))) or 0
    first = (
        select(func.min(Click.person_at).label("at"), Click.subscriber_id.label("person"))
        .where(Click.id > newest - NEWEST, Click.person_at >= since)
        .group_by(Click.message_id, Click.subscriber_id)
        .subquery()
    )
    people = session.scalar(select(func.count(first.c.person.distinct()))) or 0
    quarter = cast(func.floor(extract("epoch", first.c.at) / QUARTER), BigInteger)
    rows = session.execute(
        select(Subscriber.zone, quarter, func.count())
        .join(Subscriber, Subscriber.id == first.c.person)
        .group_by(Subscriber.zone, quarter)
    )
    hours = _by_hour(((zone, int(at), count) for zone, at, count in rows), current(session).zone)
    return _judged(hours, people)


def _by_hour(rows: Iterable[tuple[str | None, int, int]], house: str) -> Counter[int]:
    """How many clicks in which hour of the readers' own days. `rows`: zone, quarter of an hour since 1970, clicks."""
    known, hours = set(known_zones()), Counter[int]()
    for zone, quarter, count in rows:
        here = zone_named(zone if zone and zone in known else house)
        hours[datetime.fromtimestamp(quarter * QUARTER, here).hour] += count
    return hours


def _judged(hours: Counter[int], people: int) -> BestHour:
    whole = hours.total()
    best = min(range(24), key=lambda hour: (-hours[hour], hour))
    beside = {best, (best - 1) % 24, (best + 1) % 24}
    others = max((hours[hour] for hour in range(24) if hour not in beside), default=0)
    # Of 24 hours one is always ahead: it must be so by more than chance, and be worth naming at all.
    is_ahead = bool(whole) and Proportion(hours[best], whole).interval.low > max(others / whole, 1 / 24)
    enough = whole >= LEAST_MAILS and people >= LEAST_PEOPLE
    return BestHour(hour=best, clicks=hours[best], of=whole, is_clear=enough and is_ahead)
