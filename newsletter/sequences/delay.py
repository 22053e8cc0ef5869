"""The delay rule: when a step is due. Nothing else decides it."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from newsletter.languages import said
from newsletter.zones import first_valid, zone_named

EVERY_DAY = 0b1111111
"""Weekdays as bits, Monday the lowest."""


class Unit(StrEnum):
    """Hours are elapsed time; days are calendar days in the subscriber's zone."""

    HOURS = "hours"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after the last mail, on which weekdays, and not before which local time."""

    amount: int
    unit: Unit
    weekdays: int = EVERY_DAY
    not_before: time | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weekdays <= EVERY_DAY:
            raise ValueError("at least one weekday must be allowed")

    @classmethod
    def parse(cls, text: str) -> "Delay":
        """Read "3 days" or "12 hours". Raises ValueError saying what it should be."""
        match = re.fullmatch(r"\s*(\d{1,4})\s*(hour|day)s?\s*", text)
        if not match:
            raise ValueError(said("a delay should read like “3 days” or “12 hours”, not %(typed)s", typed=repr(text)))
        return cls(int(match[1]), Unit(match[2] + "s"))

    def __str__(self) -> str:
        unit = str(self.unit)
        return f"{self.amount} {unit[:-1] if self.amount == 1 else unit}"


def due_after(anchor: datetime, delay: Delay, zone: str) -> datetime:
    """When a step is due whose predecessor was really sent at `anchor` (aware), in UTC.

    Hours: elapsed time. Days: the same local time that many calendar days later. The result is moved to the next
    allowed weekday and, on that day, to the window's start at the earliest. A local time skipped by a clock change
    becomes the first valid instant after it; of one that occurs twice, the first counts (PEP 495).
    """
    if delay.unit is Unit.HOURS:
        return allowed_from(anchor.astimezone(UTC) + timedelta(hours=delay.amount), delay, zone)
    here = zone_named(zone)
    local = anchor.astimezone(here)
    return _rolled(local.date() + timedelta(days=delay.amount), local.time().replace(fold=0), delay, here)


def allowed_from(at: datetime, delay: Delay, zone: str) -> datetime:
    """The first instant from `at` on an allowed weekday and not before the window's start."""
    here = zone_named(zone)
    local = at.astimezone(here)
    early = delay.not_before is not None and local.time() < delay.not_before
    if not early and delay.weekdays >> local.weekday() & 1:
        return at.astimezone(UTC)
    return _rolled(local.date(), local.time().replace(fold=0), delay, here)


def next_day(at: datetime, delay: Delay, zone: str, days: int = 1) -> datetime:
    """The same local time `days` later, or the next time this step's weekdays and window allow."""
    return due_after(at, replace(delay, amount=days, unit=Unit.DAYS), zone)


def local_day(at: datetime, zone: str) -> date:
    """The calendar day in a zone at this instant."""
    return at.astimezone(zone_named(zone)).date()


def _rolled(day: date, clock: time, delay: Delay, here: ZoneInfo) -> datetime:
    while not delay.weekdays >> day.weekday() & 1:
        day += timedelta(days=1)
        clock = delay.not_before or time(0)
    if delay.not_before is not None and clock < delay.not_before:
        clock = delay.not_before
    return first_valid(datetime.combine(day, clock), here)
