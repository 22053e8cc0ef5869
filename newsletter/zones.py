"""Zones: which one a name means, and which instant a local time is."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this IANA name; UTC for a name that the tz database does not know (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


@cache
def known_zones() -> tuple[str, ...]:
    """The names of the tz database, sorted. Read once: it is a walk through its thousand files."""
    return tuple(sorted(available_timezones()))


@cache
def _all_known() -> frozenset[str]:
    return frozenset(known_zones())


class NoSuchTime(ValueError):
    """The clocks skip this local time; the message says so and what to choose."""

    def __init__(self, wall: datetime, zone: str) -> None:
        super().__init__(
            f"{wall:%H:%M} on {wall.day} {wall:%B %Y} does not exist in {zone}: the clocks go forward over it. "
            "Please choose an earlier or a later time."
        )
        self.wall = wall
        self.zone = zone


def instant(wall: datetime, zone: str) -> datetime:
    """The UTC instant of a naive local time; of one that happens twice, the first. Raises NoSuchTime (PEP 495)."""
    here = zone_named(zone)
    first = wall.replace(tzinfo=here, fold=0).astimezone(UTC)
    if first.astimezone(here).replace(tzinfo=None) != wall:
        raise NoSuchTime(wall, zone)
    return first


def first_valid(wall: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant of a naive local time; of one that happens twice, the first, and of one that the clocks skip, the
    first valid instant after it."""
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # In a gap: fold=0 reads the time with the offset before the change, fold=1 with the one after; the first valid
    # instant is the change itself, where the two offsets meet.
    before = wall.replace(tzinfo=zone, fold=0).utcoffset()
    after = wall.replace(tzinfo=zone, fold=1).utcoffset()
    assert before is not None and after is not None
    low, high = (wall - after).replace(tzinfo=UTC), (wall - before).replace(tzinfo=UTC)
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True, slots=True)
class OwnTime:
    """A local time that is each reader's own: the same hour on their clocks, some forty instants in all."""

    wall: datetime
    """Naive."""
    zone: str
    """Of whoever has told none, or one that there is no more."""

    def instant(self, zone: str | None) -> datetime:
        """When it is for somebody of this zone (aware UTC), as `first_valid` reads it. Raises OverflowError."""
        return first_valid(self.wall, self._place(zone))

    def on_clock(self, at: datetime, zone: str | None) -> datetime:
        """An instant as the clock of somebody of this zone shows it."""
        return at.astimezone(self._place(zone))

    def _place(self, zone: str | None) -> ZoneInfo:
        return zone_named(zone if zone and zone in _all_known() else self.zone)

    def is_skipped(self, at: datetime, zone: str) -> bool:
        """Whether `at`, its instant there, comes in place of a time that the clocks of this zone go over."""
        return zone in _all_known() and at.astimezone(zone_named(zone)).replace(tzinfo=None) != self.wall

    def instants(self) -> list[datetime]:
        """Every instant that it is somewhere, the first first."""
        return sorted({self.instant(zone) for zone in (None, *known_zones())})


def next_weekly(after: datetime, weekday: int, clock: time, zone: str) -> datetime:
    """The first instant behind `after` that is this hour of this weekday (Monday 0) there; aware UTC."""
    here = zone_named(zone)
    day = after.astimezone(here).date()
    day += timedelta(days=(weekday - day.weekday()) % 7)
    found = first_valid(datetime.combine(day, clock), here)
    return found if found > after else first_valid(datetime.combine(day + timedelta(days=7), clock), here)
