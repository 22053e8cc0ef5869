"""Campaigns at each reader's local time on the command line, and the details of `campaign status`."""

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from newsletter import preflight
from newsletter.brand import Brand
from newsletter.campaigns import (
    Campaign,
    CampaignState,
    OwnTimePlan,
    Part,
    ab_test_of,
    plan_own_time,
    schedule_own_time,
)
from newsletter.mail.ledger.opening import openings
from newsletter.preflight import NotFit
from newsletter.zones import zone_named


def schedule(session: Session, campaign: Campaign, at: str | None, house: Brand, now: datetime,
             one_a_day: bool) -> str:  # fmt: skip
    """Schedule it at this local time for each reader; returns a description. Raises NotNow, click.BadParameter."""
    try:
        wall = datetime.fromisoformat(at or "")
        if wall.tzinfo is not None:
            raise ValueError(at)
        plan = plan_own_time(session, campaign, wall, now)
        preflight.check_time(plan.last, now)
    except NotFit as error:
        raise click.BadParameter(f"{at}: {error} It is {now:%Y-%m-%d %H:%M} UTC.", param_hint="--at") from None
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "with --own-time it should be a date and a time without a zone, for example 2026-12-01T09:00",
            param_hint="--at",
        ) from None
    schedule_own_time(session, campaign, wall, house, now, now, one_a_day)
    return _told(plan, house, now)


def _told(plan: OwnTimePlan, house: Brand, now: datetime) -> str:
    here = zone_named(house.zone)
    first, last = (f"{max(at, now).astimezone(here):%a %d %b %H:%M %Z}" for at in (plan.first, plan.last))
    passed = plan.passed(now)
    gone = f"; for {passed} that has passed, and they get it at once" if passed else ""
    return f"everyone's own {plan.own.wall:%a %d %b %Y %H:%M} (the first {first}, the last {last}{gone})"


def status(session: Session, found: Campaign, now: datetime) -> dict[str, Any]:
    """Extra keys of the status: both contents of an A/B test, and departures by local time. Empty for other campaigns,
    because scripts rely on the existing keys."""
    contents = {"contents": _contents(session, found)} if found.is_tested else {}
    return contents | ({"own_time": _own_time(session, found, found.own_time, now)} if found.own_time else {})


def _own_time(session: Session, found: Campaign, wall: datetime, now: datetime) -> dict[str, Any]:
    if found.stored_state is CampaignState.SCHEDULED:
        moments = [(one.at, one.people, 0) for one in plan_own_time(session, found, wall, now).leavings]
    else:
        seen = openings(session, found.dispatch, now) if found.dispatch else []
        moments = [(one.at, one.people, one.done) for one in seen]
    listed = [{"at": at.astimezone(UTC).isoformat(), "people": people, "done": done} for at, people, done in moments]
    return {"local": wall.isoformat(), "leaves": listed}


def _contents(session: Session, found: Campaign) -> list[dict[str, Any]]:
    test = ab_test_of(session, found)
    if test is None:
        return []
    a = test.a.dispatch.revision if test.a.dispatch else test.a.revision
    both = ((Part.A, test.a_id, (a.subject, a.preheader, a.body)), (Part.B, test.b_id, test.words_b))
    return [
        {"part": part.value, "campaign": id, "subject": subject, "preheader": preheader, "body": body}
        for part, id, (subject, preheader, body) in both
    ]


def in_lines(told: dict[str, Any]) -> dict[str, str]:
    """`status` as lines for people: label to text."""
    lines = {f"subject {one['part'].upper()}": one["subject"] for one in told.get("contents", ())}
    if own := told.get("own_time"):
        lines["own time"] = own["local"]
        lines |= {one["at"]: f" {one['done']} of {one['people']}" for one in own["leaves"]}
    return lines
