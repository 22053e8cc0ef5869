"""Recipients who get another mail on a campaign's day, shown while its time is chosen; and its last button's label."""

from dataclasses import dataclass, replace

from flask import render_template
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.campaigns import Campaign, SameDay, ab_test_of, same_day
from newsletter.subscribers import Subscriber
from newsletter.web.language import _, ngettext
from newsletter.web.owner.display import number
from newsletter.web.owner.door import PAGE, asked_id, door, one_or_404
from newsletter.web.owner.scheduling import NOW, ScheduleForm, schedule_form
from newsletter.web.owner.to_whom import as_ticked
from newsletter.web.state import now, reading
from newsletter.zones import NoSuchTime, instant

MOST_COUNTED = 500
"""Counting stops here ("at least"), as it looks through the messages of every person in an audience."""


@dataclass(frozen=True, slots=True)
class DaySeen:
    """What else a campaign's audience gets on the chosen day."""

    day: SameDay
    people: int | None
    """People who get two mails, up to `MOST_COUNTED`; None while they are counted."""

    @property
    def is_bound(self) -> bool:
        """Whether counting stopped at `MOST_COUNTED`."""
        return self.people == MOST_COUNTED


def day_seen(session: Session, campaign: Campaign, form: ScheduleForm) -> DaySeen | None:
    """The day of the time in a form; None while it has no valid one."""
    day = _day(session, campaign, form)
    return DaySeen(day, day.audience.two_mails_soon(session, MOST_COUNTED)) if day else None


def _day(session: Session, campaign: Campaign, form: ScheduleForm) -> SameDay | None:
    wall, zone = form.wall(), current_user.zone
    try:
        at = now() if form.when.data == NOW else instant(wall, zone) if wall else None
        if at is None:
            return None
        day = same_day(session, campaign, at, wall if form.is_own else None, now(), zone)
    except (NoSuchTime, OverflowError):  # the form reports it when submitted
        return None
    return replace(day, audience=replace(day.audience, slice=None))  # of a test, the whole audience


def says(session: Session, campaign: Campaign, seen: DaySeen | None) -> dict[str, str]:
    """Labels of the last button: "now" and "later", and both with "-single" if people who get two are left out."""
    test = ab_test_of(session, campaign) if campaign.is_tested else None
    parts = [as_ticked(session, one) for one in (test.both if test else (campaign,))]
    people = sum(one.whole_audience(now()).size(session) for one in parts)
    full = {"now": _now(campaign, people), "later": _later(campaign, people)}
    if seen is None or seen.people == 0:
        single = full
    elif seen.people is None or seen.is_bound or campaign.is_tested:
        single = {name: _("%(send_to_them)s, but not who gets two", send_to_them=one) for name, one in full.items()}
    else:
        single = {"now": _now(campaign, people - seen.people), "later": _later(campaign, people - seen.people)}
    return full | {f"{name}-single": told for name, told in single.items()}


def _now(campaign: Campaign, people: int) -> str:
    if campaign.is_tested:
        return ngettext("Start the test with %(num)s person", "Start the test with %(num)s people", people,
                        num=number(people))  # fmt: skip
    return ngettext("Send to %(num)s person", "Send to %(num)s people", people, num=number(people))


def _later(campaign: Campaign, people: int) -> str:
    if campaign.is_tested:
        return ngettext("Schedule the test for %(num)s person", "Schedule the test for %(num)s people", people,
                        num=number(people))  # fmt: skip
    return ngettext("Schedule for %(num)s person", "Schedule for %(num)s people", people, num=number(people))


@door.get("/campaigns/<row:id>/two-mails", endpoint="campaign_two_mails")
def list_them(id: int) -> str:
    """List everybody who would get two mails at the time in the address, newest first."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        form = schedule_form(campaign)
        day, rows = _day(session, campaign, form) if campaign.is_new else None, list[Subscriber]()
        if day is not None:
            look = select(Subscriber).where(day.audience.two_mails()).order_by(Subscriber.id.desc()).limit(PAGE + 1)
            if before := asked_id("before"):
                look = look.where(Subscriber.id < before)
            rows = list(session.scalars(look))
        more = rows[PAGE - 1].id if len(rows) > PAGE else None
        return render_template(
            "owner/two_mails.html", campaign=campaign, day=day, rows=rows[:PAGE], more=more, form=form
        )
