"""Parses dates in the formats of other programs. Without a zone they count as UTC, which most programs export."""

import re
from datetime import UTC, date, datetime, timedelta

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_ZONE_WORD = re.compile(r"\s*(?:UTC|GMT|Z)$", re.I)
_OFFSET = re.compile(r"\s+([+-]\d\d:?\d\d)$")
_NUMBERS = re.compile(
    r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:,?[ T]+(\d{1,2}):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([ap]m)?)?", re.I
)
_EITHER = re.compile(r"\s*(\d{1,2})[/-](\d{1,2})[/-]\d{4}")
_WORDS = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%a, %d %b %Y")
_TIMES = ("", " %H:%M:%S", " %H:%M", " %I:%M %p", ", %H:%M", ", %I:%M %p")
_STAMP = re.compile(r"\d{10}(?:\d{3})?")


def says_order(text: str) -> bool | None:
    """True if the day must come first (13/02/2024), False if the month must (02/13/2024), None if either could."""
    if not (seen := _EITHER.match(text)):
        return None
    first, second = int(seen[1]), int(seen[2])
    return None if first <= 12 and second <= 12 else first > 12


def read_date(text: str, day_first: bool | None, now: datetime) -> datetime | None:
    """The instant in UTC; None if it is ambiguous or unreadable, before 1990, or more than a day in the future."""
    try:
        seen = _read(text.strip(), day_first)
    except (ValueError, OverflowError, OSError):
        return None
    if seen is None:
        return None
    try:
        at = seen.replace(tzinfo=UTC) if seen.tzinfo is None else seen.astimezone(UTC)
    except OverflowError:
        return None
    if not EARLIEST <= at <= now + timedelta(days=1):
        return None
    return min(at, now)  # a fast clock, or a date without a time from a zone east of UTC


def read_day(text: str, day_first: bool | None) -> date | None:
    """The day, of any year; None if it is ambiguous or unreadable."""
    try:
        seen = _read(text.strip(), day_first)
    except (ValueError, OverflowError, OSError):
        return None
    return seen.date() if seen else None


def _read(text: str, day_first: bool | None) -> datetime | None:
    if _STAMP.fullmatch(text):
        seconds = int(text) if len(text) == 10 else int(text) / 1000
        return datetime.fromtimestamp(seconds, UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    if seen := _NUMBERS.fullmatch(_ZONE_WORD.sub("", text)):
        return _from_numbers(seen, True if "." in seen[0][:5] else day_first)
    plain = _OFFSET.sub(r"\1", text)
    try:
        return datetime.fromisoformat(_ZONE_WORD.sub("+00:00", plain))
    except ValueError:
        return _from_words(_ZONE_WORD.sub("", plain))


def _from_numbers(seen: re.Match[str], day_first: bool | None) -> datetime | None:
    first, second = int(seen[1]), int(seen[2])
    if day_first is None and first != second:
        return None
    day, month = (first, second) if day_first else (second, first)
    hour = int(seen[4] or 0)
    if half := (seen[7] or "").lower():
        hour = hour % 12 + (12 if half == "pm" else 0)
    return datetime(int(seen[3]), month, day, hour, int(seen[5] or 0), int(seen[6] or 0), tzinfo=UTC)


def _from_words(text: str) -> datetime | None:
    for day in _WORDS:
        for time in _TIMES:
            try:
                return datetime.strptime(text, day + time).replace(tzinfo=UTC)
            except ValueError:
                continue
    return None
