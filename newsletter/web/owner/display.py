"""How times, numbers and sizes read on the owner's pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask_login import current_user

from newsletter.mail.sentences import explained
from newsletter.zones import zone_named


def in_zone(at: datetime, zone: str) -> str:
    """An instant as it reads in a zone: "Mon 23 Nov 2026, 14:05 GMT"."""
    local = at.astimezone(zone_named(zone))
    return f"{local:%a} {local.day} {local:%b %Y}, {local:%H:%M} {local:%Z}"


def local(at: datetime | None) -> str:
    """An instant in the owner's zone; a dash for none."""
    return in_zone(at, current_user.zone) if at else "–"


def clock(at: datetime) -> str:
    """The time of day of an instant in the owner's zone."""
    return f"{at.astimezone(zone_named(current_user.zone)):%H:%M}"


def local_day(at: datetime | None) -> str:
    """The date of an instant in the owner's zone."""
    if at is None:
        return "–"
    here = at.astimezone(zone_named(current_user.zone))
    return f"{here.day} {here:%b %Y}"


def utc(at: datetime) -> str:
    """An instant in UTC."""
    return in_zone(at, "UTC")


def number(count: int | None) -> str:
    """1234567 as 1,234,567."""
    return f"{count or 0:,}"


def percent(part: int, whole: int) -> str:
    """A share as a whole percentage; a dash of nothing."""
    return f"{100 * part / whole:.0f}%" if whole else "–"


def share(of: float) -> str:
    """A share to a tenth of a percent: 0.0512 as 5.1%."""
    return f"{100 * of:.1f}%"


def size(octets: int) -> str:
    """Bytes as kB or MB."""
    return f"{octets / 1e6:.1f} MB" if octets >= 1_000_000 else f"{octets / 1e3:.0f} kB"


def duration(seconds: float | None) -> str:
    """How long something takes, in words short enough for a table."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def ago(at: datetime, now: datetime) -> str:
    """How long ago something was, to the unit that matters."""
    minutes = max(int((now - at).total_seconds() // 60), 0)
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= length:
            return f"{minutes // length} {unit}{'' if minutes // length == 1 else 's'} ago"
    return "just now"


LONGEST_SAME = 400
"""Characters that are shown of what two texts have in common, between two places where they differ."""


def shortened(words: str) -> str:
    """The beginning and the end of what is the same in two texts."""
    half = LONGEST_SAME // 2
    return words if len(words) <= LONGEST_SAME else f"{words[:half]} […] {words[-half:]}"


FILTERS: dict[str, Callable[..., Any]] = {
    "local": local,
    "local_day": local_day,
    "clock": clock,
    "utc": utc,
    "number": number,
    "percent": percent,
    "share": share,
    "size": size,
    "duration": duration,
    "explained": explained,
    "ago": ago,
    "shortened": shortened,
}
