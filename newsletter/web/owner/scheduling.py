"""The form that schedules a campaign, for all at once or at everyone's own time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session
from wtforms import BooleanField, DateField, RadioField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from newsletter import preflight
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, OwnTimePlan, plan_own_time, schedule_own_time, together
from newsletter.languages import SOURCE
from newsletter.web.language import _, in_words, lazy, ngettext, spoken
from newsletter.web.owner.ab_tests import UNDO
from newsletter.web.owner.display import in_zone, no_such_time
from newsletter.web.state import now
from newsletter.web.typed_form import TypedForm
from newsletter.zones import NoSuchTime, instant, zone_named

NINE = time(9)
AT, OWN, NOW = "at", "own", "now"


class ScheduleForm(TypedForm):
    """The time chosen for a campaign."""

    when = RadioField(
        lazy("When"),
        choices=[
            SelectChoice(AT, lazy("At a time I choose")),
            SelectChoice(OWN, lazy("At everyone’s own time: each reader gets it when their own clock says so")),
            SelectChoice(NOW, lazy("Now")),
        ],
        default=AT,
    )
    day = DateField(lazy("Date"), [Optional()])
    clock = TimeField(lazy("Time"), [Optional()])
    accept = BooleanField(lazy("I have read the warnings, and it is meant so"))
    one_a_day = BooleanField(lazy("Leave out who gets another mail from you that day"))
    at_once = BooleanField(lazy("They get it at once, and it is meant so"))

    def wall(self) -> datetime | None:
        """The local time chosen; None if a part is missing."""
        if self.day.data is None or self.clock.data is None:
            return None
        return datetime.combine(self.day.data, self.clock.data)

    @property
    def is_own(self) -> bool:
        """Whether to send it at everyone's own time."""
        return bool(self.when.data == OWN)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A valid time: an instant for all at once, or a plan for everyone's own time."""

    at: datetime
    plan: OwnTimePlan | None = None


def schedule_form(campaign: Campaign) -> ScheduleForm:
    """The form as first shown: with the time in the page's address, the campaign's own, or tomorrow at nine."""
    wall = campaign.own_time or _its_wall(campaign)
    filled: dict[str, Any] = {"when": OWN if campaign.own_time else AT, "day": wall.date(), "clock": wall.time()}
    filled["one_a_day"] = campaign.one_a_day
    filled |= {name: _read(request.args[name], kind) for name, kind in PARTS.items() if name in request.args}
    if request.args.get("when") in (AT, OWN, NOW):
        filled["when"] = request.args["when"]
    return ScheduleForm(data=filled)


def _its_wall(campaign: Campaign) -> datetime:
    zone = zone_named(current_user.zone)
    if campaign.scheduled_at:
        return campaign.scheduled_at.astimezone(zone).replace(tzinfo=None)
    return datetime.combine((now() + timedelta(days=1)).astimezone(zone).date(), NINE)


PARTS: dict[str, type[date] | type[time]] = {"day": date, "clock": time}


def _read(typed: str, kind: type[date] | type[time]) -> date | time | None:
    """A date or time from the address; None if malformed."""
    try:
        found = kind.fromisoformat(typed)
    except ValueError:
        return None
    return found.replace(tzinfo=None) if isinstance(found, time) else found


def looked_ahead(session: Session, campaign: Campaign, form: ScheduleForm) -> OwnTimePlan | None:
    """The plan for everyone's own time; None if the form does not request it, or has no such date."""
    wall = form.wall()
    try:
        return plan_own_time(session, campaign, wall, now()) if form.is_own and wall else None
    except OverflowError:
        return None


def chosen(session: Session, campaign: Campaign, form: ScheduleForm) -> Chosen | None:
    """The chosen time; None if invalid, with an error in the form."""
    if form.when.data == NOW:
        return Chosen(now() + UNDO)
    wall = form.wall()
    if wall is None:
        form.day.errors = [_("Choose a date and a time.")]
        return None
    try:
        if form.is_own:
            return _own(session, campaign, form, wall)
        at = instant(wall, current_user.zone)
        preflight.check_time(at, now())
        return Chosen(at)
    except NoSuchTime as error:
        form.clock.errors = [no_such_time(error)]
    except preflight.NotFit as error:
        form.day.errors = [in_words(error)]
    except OverflowError:
        form.day.errors = [_("That is no date of this age; is the year right?")]
    return None


def _own(session: Session, campaign: Campaign, form: ScheduleForm, wall: datetime) -> Chosen | None:
    plan = plan_own_time(session, campaign, wall, now())
    preflight.check_time(plan.last, now())
    passed = plan.passed(now())
    if passed and not form.at_once.data:
        form.at_once.errors = [
            ngettext(
                "For %(num)s person that time has passed: they get it at once. Tick this if it is meant so, or choose "
                "a later date.",
                "For %(num)s people that time has passed: they get it at once. Tick this if it is meant so, or choose "
                "a later date.",
                passed, num=spoken().number(passed),
            )
        ]  # fmt: skip
        return None
    return Chosen(max(plan.first, now() + UNDO), plan)


def set_time(session: Session, campaign: Campaign, time_: Chosen, house: Brand, one_a_day: bool) -> str:
    """Schedule it for the chosen time; return the message for the owner. Raises NotNow."""
    campaign.zone = current_user.zone
    at, plan = time_.at, time_.plan
    if plan is not None:
        schedule_own_time(session, campaign, plan.own.wall, house, now(), now() + UNDO, one_a_day)
        return _(
            "It goes out at everyone’s own %(clock)s on %(day)s: the first get it %(first)s, the last %(last)s.",
            clock=f"{plan.own.wall:%H:%M}", day=spoken().day(plan.own.wall.date()),
            first=in_zone(at, current_user.zone), last=in_zone(max(plan.last, at), current_user.zone),
        )  # fmt: skip
    together.schedule(session, campaign, at, house, one_a_day)
    if at <= now() + UNDO:
        return ngettext(
            "It goes out in %(num)s second. Until then “Undo” makes it a draft again.",
            "It goes out in %(num)s seconds. Until then “Undo” makes it a draft again.",
            UNDO.seconds,
        )
    return _("It goes out %(when)s (%(utc)s).", when=in_zone(at, current_user.zone), utc=in_zone(at, "UTC"))


def as_noted(campaign: Campaign) -> str:
    """Its time as written to the audit log."""
    if campaign.own_time:
        return f"everyone's own {campaign.own_time:%H:%M} of {SOURCE.day(campaign.own_time.date())}"
    return SOURCE.moment(campaign.scheduled_at, UTC) if campaign.scheduled_at else ""
