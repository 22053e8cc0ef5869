"""Zones: which one a name means, and which instant a local time is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this IANA name; UTC for a name that the tz database does not know (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


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
