"""Who is left out of a campaign's audience: in which tables it stands, as rules, and on which day."""

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
"""The saved segments that a campaign leaves out."""
RIVALS = Table(
    "campaign_rivals", Base.metadata,
    Column("campaign_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True),
    Column("other_id", Id, ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True, index=True),
)  # fmt: skip
"""The campaigns of its day to which a campaign gives way."""
A_DAY = timedelta(days=1)


def none_of(left_out: Iterable[SavedSegment | dict[str, Any]]) -> list[Rules]:
    """For whom none of these segments' rules hold: a group for each, as each counts the days of its own zone. Like them
    for nobody, where they name what is gone or cannot be read."""
    rules = [one.rules if isinstance(one, SavedSegment) else stored_rules(one) for one in left_out]
    return [Rules(Group(How.NONE, (one.root,)), one.zone) for one in rules]


def day_of(at: datetime, own: datetime | None, zone: str) -> tuple[datetime, datetime]:
    """The day on which a campaign goes at this instant, or at this local time of everyone's own, in the zone of its
    owner: the instants at which that begins, and the next."""
    there = zone_named(zone)
    day = (own or at.astimezone(there)).date()
    begin, end = (datetime.combine(one, time(), there).astimezone(UTC) for one in (day, day + A_DAY))
    return begin, end
