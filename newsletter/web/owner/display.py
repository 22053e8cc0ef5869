"""Formats times, numbers and sizes for the owner's pages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_login import current_user
from markupsafe import Markup

from newsletter.languages import marked
from newsletter.mail.ledger.reasons import Reason
from newsletter.mail.sentences import explained
from newsletter.web.language import _, ngettext, spoken
from newsletter.web.state import now
from newsletter.zones import NoSuchTime, zone_named

WORDS = {
    "ready": marked("waiting"), "claimed": marked("waiting"), "sent": marked("sent"), "delivered": marked("delivered"),
    "deferred": marked("deferred"), "failed": marked("failed"), "uncertain": marked("uncertain"),
    "cancelled": marked("cancelled"), "bounced": marked("bounced"), "complained": marked("complained"),
    "draft": marked("draft"), "scheduled": marked("scheduled"), "sending": marked("going out"),
    "paused": marked("paused"), "pending": marked("pending"), "confirmed": marked("confirmed"),
    "unsubscribed": marked("unsubscribed"), "active": marked("active"), "waiting": marked("waiting"),
    "finished": marked("finished"), "stopped": marked("stopped"),
}  # fmt: skip
"""Names of the states of messages, campaigns, people and enrollments."""


def word(state: StrEnum) -> str:
    """The name of a state."""
    return _(WORDS[state.value])


def in_zone(at: datetime, zone: str) -> str:
    """An instant in a zone: "Mon 23 Nov 2026, 14:05 GMT"."""
    return spoken().moment(at, zone_named(zone))


def local(at: datetime | None) -> str:
    """An instant in the owner's zone; a dash for None."""
    return in_zone(at, current_user.zone) if at else "–"


def no_such_time(error: NoSuchTime) -> str:
    """A message that the clocks skip this time, with the alternatives."""
    time = f"{error.wall:%H:%M}"
    return _(
        "%(clock)s on %(day)s does not exist in %(zone)s: the clocks go forward over it. Please choose an earlier or a "
        "later time.", clock=time, day=spoken().day(error.wall.date()), zone=error.zone,
    )  # fmt: skip


def clock(at: datetime) -> str:
    """The time of day of an instant in the owner's zone."""
    return f"{at.astimezone(zone_named(current_user.zone)):%H:%M}"


def local_day(at: datetime | None) -> str:
    """The date of an instant in the owner's zone."""
    return spoken().day(at.astimezone(zone_named(current_user.zone)).date(), "short") if at else "–"


def utc(at: datetime) -> str:
    """An instant in UTC."""
    return in_zone(at, "UTC")


def number(count: int | None) -> str:
    """1234567 as 1,234,567."""
    return spoken().number(count or 0)


def percent(part: int, whole: int) -> str:
    """A share as a whole percentage; a dash if `whole` is 0."""
    return _("%(number)s%%", number=spoken().decimal(100 * part / whole, 0)) if whole else "–"


def share(of: float) -> str:
    """A share to a tenth of a percent: 0.0512 as 5.1%."""
    return _("%(number)s%%", number=spoken().decimal(100 * of, 1))


def size(octets: int) -> str:
    """Bytes as kB or MB."""
    if octets >= 1_000_000:
        return _("%(number)s MB", number=spoken().decimal(octets / 1e6, 1))
    return _("%(number)s kB", number=spoken().decimal(octets / 1e3, 0))


def duration(seconds: float | None) -> str:
    """A duration in words short enough for a table."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)s s", seconds=whole)
    minutes, rest = f"{whole % 3600 // 60:02d}", f"{whole % 60:02d}"
    if whole < 3600:
        return _("%(minutes)s min %(seconds)s s", minutes=whole // 60, seconds=rest)
    return _("%(hours)s h %(minutes)s min", hours=whole // 3600, minutes=minutes)


def _timed(at: datetime, words: str) -> Markup:
    """A <time> in words, with the exact time as a tooltip."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), local(at), words)


def ago(at: datetime, now: datetime) -> Markup:
    """How long ago something was, in its largest unit, as a <time>."""
    return _timed(at, _ago(at, now))


def _ago(at: datetime, now: datetime) -> str:
    minutes = max(int((now - at).total_seconds() // 60), 0)
    if minutes >= 1440:
        return ngettext("%(num)s day ago", "%(num)s days ago", minutes // 1440)
    if minutes >= 60:
        return ngettext("%(num)s hour ago", "%(num)s hours ago", minutes // 60)
    if minutes >= 1:
        return ngettext("%(num)s minute ago", "%(num)s minutes ago", minutes)
    return _("just now")


def when(at: datetime | None) -> Markup | str:
    """A past time: minutes in words, today and yesterday as time of day, else exactly; a dash for None.

    A future time is always exact, because people plan by it.
    """
    if at is None:
        return "–"
    here = now()
    today, day = (one.astimezone(zone_named(current_user.zone)).date() for one in (here, at))
    if at > here or (today - day).days > 1:
        return _timed(at, local(at))
    if here - at < timedelta(hours=1):
        return _timed(at, _ago(at, here))
    words = _("today, %(clock)s", clock=clock(at)) if day == today else _("yesterday, %(clock)s", clock=clock(at))
    return _timed(at, words)


def why_there(reason: Reason | str | None, code: int | None = None, reply: str | None = None) -> str:
    """The reason for a message's state, in words."""
    return explained(reason, code, reply, spoken())


LONGEST_SAME = 400
"""Characters shown of a passage common to two texts, between two differences."""


def shortened(words: str) -> str:
    """The beginning and end of a passage common to two texts."""
    half = LONGEST_SAME // 2
    return words if len(words) <= LONGEST_SAME else f"{words[:half]} […] {words[-half:]}"


FILTERS: dict[str, Callable[..., Any]] = {
    "local": local,
    "local_day": local_day,
    "clock": clock,
    "utc": utc,
    "when": when,
    "number": number,
    "percent": percent,
    "share": share,
    "size": size,
    "duration": duration,
    "explained": why_there,
    "ago": ago,
    "shortened": shortened,
    "word": word,
    "month_day": lambda day: spoken().day(day, "month-day"),
    "day_month": lambda day: spoken().day(day, "day-month"),
    "table_day": lambda day: spoken().day(day, "table"),
    "short_weekday": lambda day: spoken().day(day, "name"),
}
