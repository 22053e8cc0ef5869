"""A/B tests of campaigns: set up, changed, watched, decided and stopped."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import abort, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand, campaigns, reports
from newsletter.campaigns import (
    DECIDED,
    WAITS,
    ABTest,
    BadTest,
    Campaign,
    CampaignState,
    NotNow,
    Part,
    Phase,
    Proportion,
    Wish,
    ab_test_of,
    named,
    plan,
    span,
    verdict,
)
from newsletter.languages import marked
from newsletter.reports import Result
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner.ab_form import ABTestForm, ab_form, as_typed
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.permissions import may
from newsletter.web.state import now, reading, transaction

UNDO = timedelta(seconds=10)
"""How long a mail sent "now" waits: mistakes are noticed just after the press."""
WIDE = 600
"""Width of the chart in units."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A or B in the chart, in its units: the share as a dot, its confidence interval as a line."""

    name: str
    of: Proportion
    left: float
    dot: float
    right: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A test as shown on its page."""

    test: ABTest
    plan: str
    phase: Phase
    bars: tuple[Bar, ...]
    """Empty before there are results, or if clicks are not counted."""
    end: float
    """The share at the right end of the chart."""
    verdict: str
    waits: str
    decided: str
    winner: str
    span: str
    parts: tuple[tuple[str, Campaign, Result], ...]
    total: Result | None

    @classmethod
    def of(cls, session: Session, test: ABTest) -> "Seen":
        """The present state of a test."""
        numbers = _numbers(session, test)
        end = max([0.01, *(one.interval.high for one in numbers or ())])
        named_parts = (("A", test.a), ("B", test.b), (_("The rest"), test.rest))
        there = [(name, one) for name, one in named_parts if one is not None and one.launched_at is not None]
        results = [result for _, result in reports.of_campaigns(session, [one for _, one in there])]
        return cls(
            test=test, plan=plan(test), phase=test.phase, end=end, verdict=verdict(*numbers) if numbers else "",
            bars=tuple(_bar(name, one, end) for name, one in zip("AB", numbers, strict=True)) if numbers else (),
            waits=WAITS[test.waits] if test.waits else "", decided=DECIDED[test.decided] if test.decided else "",
            winner=named(test.winner), span=span(test.hours), total=_total(results),
            parts=tuple((name, one, result) for (name, one), result in zip(there, results, strict=True)),
        )  # fmt: skip


def _numbers(session: Session, test: ABTest) -> tuple[Proportion, Proportion] | None:
    """The results at its decision, or until then the present ones."""
    if not test.has_begun or not all(one.counted_clicks for one in test.both):
        return None
    return test.kept or campaigns.results(session, test)


def _bar(name: str, one: Proportion, end: float) -> Bar:
    left, dot, right = (round(WIDE * share / end, 1) for share in (one.interval.low, one.rate, one.interval.high))
    return Bar(name=name, of=one, left=left, dot=dot, right=right)


def _total(results: list[Result]) -> Result | None:
    """The sum of all parts, which share nobody."""
    if not results:
        return None
    counted = [one.clicked for one in results]
    return Result(
        sent=sum(one.sent for one in results), failed=sum(one.failed for one in results),
        bounced=sum(one.bounced for one in results), complained=sum(one.complained for one in results),
        left=sum(one.left for one in results), machines=sum(one.machines for one in results),
        clicked=None if None in counted else sum(one or 0 for one in counted),
    )  # fmt: skip


def draft_of(session: Session, drafts: list[Campaign], wish: Wish) -> Campaign | None:
    """The A of a test with the same settings among these drafts, so that a second click finds it."""
    for one in drafts:
        test = ab_test_of(session, one)
        if test is not None and _asked(test) == wish:
            return one
    return None


def _asked(test: ABTest) -> Wish:
    article = test.b.article if test.b.article is not test.a.article else None
    return Wish(
        compares=test.compares, share=test.share, hours=test.hours, judge=test.judge, if_close=test.if_close,
        subject=test.subject, preheader=test.preheader, article=article,
    )  # fmt: skip


@door.route("/campaigns/<row:id>/test", methods=["GET", "POST"], endpoint="campaign_test")
def change(id: int) -> Any:
    """Add, change or remove the test of a draft."""
    with transaction() if request.method == "POST" else reading() as session:
        campaign = one_or_404(session, Campaign, id, lock=request.method == "POST")
        test = ab_test_of(session, campaign, lock=request.method == "POST")
        if test is None and campaign.stored_state is not CampaignState.DRAFT:
            return back("campaign", _("Only a draft can be tested."), "info", id=id)
        if test is not None and test.has_begun:
            return back("campaign", _("The test has begun, and stays what it is."), "info", id=id)
        if campaign.stored_state is not CampaignState.DRAFT and not may("campaign_schedule"):
            return back("campaign", _("It is scheduled: only who may send can change its test now."), "info", id=id)
        if test is not None and test.a_id != id:
            return back("campaign_test", id=test.a_id)
        form = ab_form(session, data=as_typed(test) if test else {"compares": "subject"})
        if not form.validate_on_submit():
            return _form_page(session, campaign, form)
        try:
            told = _set(session, campaign, test, form.wish(session))
        except BadTest as error:
            form.refuse(error)
            return _form_page(session, campaign, form)
        except NotNow as error:
            told = in_words(error)
    return back("campaign", told, id=id)


def _form_page(session: Session, campaign: Campaign, form: ABTestForm) -> Any:
    page = render_template(
        "owner/campaign_test.html", campaign=campaign, ab=form, counting=brand.current(session).counts_clicks
    )
    return page, 422 if request.method == "POST" else 200


def _set(session: Session, campaign: Campaign, test: ABTest | None, wish: Wish | None) -> str:
    house = brand.current(session)
    if test is None and wish is None:
        return _("It goes out without a test.")
    if test is None and wish is not None:
        made = campaigns.make_ab_test(session, campaign, wish, house, now())
        note(session, marked("A/B test drafted"), f"{campaign.id} against {made.b_id}")
        return _("This is the draft of the test. Look through it, then choose when it goes.")
    if test is not None and wish is None:
        campaigns.withdraw_ab_test(session, test, now())
        note(session, marked("A/B test withdrawn"), str(campaign.id))
        return _("No test: it goes to everybody as it is.")
    if test is not None and wish is not None:
        campaigns.change_ab_test(session, test, wish, house)
        note(session, marked("A/B test changed"), f"{campaign.id}: {plan(test)}")
    return _("The test is changed.")


@door.post("/campaigns/<row:id>/test/choose", endpoint="campaign_choose")
def choose(id: int) -> Response:
    """Choose what the rest gets. Idempotent; until it has been sent, the other one may still be chosen."""
    part = {"a": Part.A, "b": Part.B}.get(request.form.get("part", ""))
    with transaction() as session:
        test = ab_test_of(session, one_or_404(session, Campaign, id), lock=True)
        if test is None or part is None:
            abort(404, _("There is no such test."))
        if test.winner is part and test.rest is not None and test.rest.stored_state is CampaignState.SCHEDULED:
            return back(
                "campaign", _("%(part)s is chosen already.", part=in_words(named(part))), "info", id=test.rest.id
            )
        try:
            rest = campaigns.choose(session, test, part, now(), now() + UNDO)
        except NotNow as error:
            return back("campaign", in_words(error), "info", id=test.a_id)
        note(session, marked("A/B test decided"), f"{test.a_id}: {named(part)} goes to the rest, campaign {rest.id}")
        chosen = rest.id
    told = ngettext("%(part)s goes to the rest in %(num)s second. Until then “Undo” stops it.",
                    "%(part)s goes to the rest in %(num)s seconds. Until then “Undo” stops it.", UNDO.seconds,
                    part=in_words(named(part)))  # fmt: skip
    return back("campaign", told, id=chosen)


@door.post("/campaigns/<row:id>/test/stop", endpoint="campaign_test_stop")
def stop(id: int) -> Response:
    """Stop the test: nothing goes to the rest."""
    with transaction() as session:
        test = ab_test_of(session, one_or_404(session, Campaign, id))
        if test is None:
            abort(404, _("There is no such test."))
        if request.form.get("sure") != "yes":
            return back(
                "campaign", _("Nothing was stopped: tick the box to say that you are sure."), "info", id=test.a_id
            )
        try:
            campaigns.stop(session, test, now())
        except NotNow as error:
            return back("campaign", in_words(error), "info", id=test.a_id)
        note(session, marked("A/B test stopped"), str(test.a_id))
        a = test.a_id
    return back("campaign", _("The test is stopped. What was sent stays sent, and nobody else gets it."), id=a)
