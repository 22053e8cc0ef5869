"""Campaigns at everyone's own time by the command line, and what the status of a campaign tells besides its numbers."""

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from newsletter import preflight
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, CampaignState, OwnTimePlan, ab_test_of, plan_own_time, schedule_own_time
from newsletter.mail.ledger.opening import openings
from newsletter.preflight import NotFit
from newsletter.zones import zone_named


def schedule(session: Session, campaign: Campaign, at: str | None, house: Brand, now: datetime) -> str:
    """Schedule it for this local time of everyone's own; what is told about it. Raises NotNow."""
    try:
        wall = datetime.fromisoformat(at or "")
        if wall.tzinfo is not None:
            raise ValueError(at)
        plan = plan_own_time(session, campaign, wall, now)
        preflight.check_time(plan.last, now)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "with --own-time it should be a date and a time without a zone, for example 2026-12-01T09:00",
            param_hint="--at",
        ) from None
    except NotFit as error:
        raise click.BadParameter(f"{at}: {error} It is {now:%Y-%m-%d %H:%M} UTC.", param_hint="--at") from None
    schedule_own_time(session, campaign, wall, house, now, now)
    return _told(plan, house, now)


def _told(plan: OwnTimePlan, house: Brand, now: datetime) -> str:
    here = zone_named(house.zone)
    first, last = (f"{max(at, now).astimezone(here):%a %d %b %H:%M %Z}" for at in (plan.first, plan.last))
    passed = plan.passed(now)
    gone = f"; for {passed} that has passed, and they get it at once" if passed else ""
    return f"everyone's own {plan.own.wall:%a %d %b %Y %H:%M} (the first {first}, the last {last}{gone})"


def status(session: Session, found: Campaign, now: datetime) -> dict[str, Any]:
    """When it goes at everyone's own time (None: it goes to all at once), and what it says: of an A/B test both."""
    return {"own_time": _own_time(session, found, now), "contents": _contents(session, found)}


def _own_time(session: Session, found: Campaign, now: datetime) -> dict[str, Any] | None:
    if found.own_time is None:
        return None
    if found.stored_state is CampaignState.SCHEDULED:
        moments = [(one.at, one.people, 0) for one in plan_own_time(session, found, found.own_time, now).leavings]
    else:
        seen = openings(session, found.dispatch, now) if found.dispatch else []
        moments = [(one.at, one.people, one.done) for one in seen]
    listed = [{"at": at.astimezone(UTC).isoformat(), "people": people, "done": done} for at, people, done in moments]
    return {"local": found.own_time.isoformat(), "leaves": listed}


def _contents(session: Session, found: Campaign) -> list[dict[str, Any]]:
    test = ab_test_of(session, found) if found.is_tested else None
    if test is None:
        sent = found.dispatch.revision if found.dispatch else found.revision
        part = found.part.value if found.part else None
        return [{"part": part, "campaign": found.id, "subject": sent.subject, "preheader": sent.preheader}]
    a = test.a.dispatch.revision if test.a.dispatch else test.a.revision
    subject, preheader, _ = test.words_b
    return [
        {"part": "a", "campaign": test.a_id, "subject": a.subject, "preheader": a.preheader},
        {"part": "b", "campaign": test.b_id, "subject": subject, "preheader": preheader},
    ]


def in_lines(told: dict[str, Any]) -> dict[str, str]:
    """The same for a person to read."""
    lines = {f"subject {one['part'] or ''}".strip(): one["subject"] for one in told["contents"]}
    own = told["own_time"]
    if own is None:
        return lines
    moments = "; ".join(f"{one['at']} {one['done']} of {one['people']}" for one in own["leaves"])
    return lines | {"own time": f"{own['local']}: {moments}"}
