"""Exclusions from a campaign's audience: their tables, the rules they become, and the bounds of a campaign's day."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Column, ForeignKey, Table

from newsletter.db import Base, Id
from newsletter.subscribers.segments import Group, How, Rules, SavedSegment, stored_rules
from newsletter.zones import zone_named

LEFT_OUT = Table(
    "campaign_left_out", Base.metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("segment_id", Id, ForeignKey("saved_segments.id"), primary_key=True, index=True),
)  # fmt: skip
"""Saved segments that a campaign leaves out."""
RIVALS = Table(
    "campaign_rivals", Base.metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, index=True),
)  # fmt: skip
"""Campaigns of the same day that a campaign gives way to."""
A_DAY = timedelta(days=1)


def none_of(left_out: Iterable[SavedSegment | dict[str, Any]]) -> list[Rules]:
    """Rules that match only people in none of these segments: one each, as each counts days in its own zone.

    A segment that names something deleted, or cannot be read, makes its rules match nobody.
    """
    rules = [one.rules if isinstance(one, SavedSegment) else stored_rules(one) for one in left_out]
    return [Rules(Group(How.NONE, (one.root,)), one.zone) for one in rules]


def day_of(at: datetime, own: datetime | None, zone: str) -> tuple[datetime, datetime]:
    """(start, end) of a campaign's day in its owner's zone, in UTC.

    It is sent at the instant `at`, or at everyone's own local time `own`.
    """
    there = zone_named(zone)
    day = (own or at.astimezone(there)).date()
    begin, end = (datetime.combine(one, time(), there).astimezone(UTC) for one in (day, day + A_DAY))
    return begin, end
