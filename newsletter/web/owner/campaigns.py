"""Campaigns: one article to many people, now or at a chosen time, with progress while it is sent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import approval, brand, campaigns, continuation, preflight, reports
from newsletter.articles import Article, Revision
from newsletter.best_hour import best_hour
from newsletter.campaigns import BadTest, Campaign, CampaignState, NotNow, Part, Wish, ab_test_of, together
from newsletter.languages import marked
from newsletter.mail.ledger.contents import revisions_used
from newsletter.mail.ledger.opening import openings
from newsletter.preflight.spam import Scores
from newsletter.resend import original_of, resent_as, waits_until, why_not
from newsletter.subscribers.segments import look_up, sentence
from newsletter.topics import Topic
from newsletter.web.language import _, in_words
from newsletter.web.owner import links_fetched, spam
from newsletter.web.owner.ab_form import ab_form
from newsletter.web.owner.ab_tests import Seen, draft_of
from newsletter.web.owner.approval import Asked, overtaken
from newsletter.web.owner.checks import report_of
from newsletter.web.owner.display import word
from newsletter.web.owner.door import back, door, note, one_or_404, owner_in, tell
from newsletter.web.owner.mending import mended_at
from newsletter.web.owner.own_drafts import is_own_draft
from newsletter.web.owner.progress import Progress
from newsletter.web.owner.same_day import day_seen, says
from newsletter.web.owner.scheduling import ScheduleForm, as_noted, chosen, looked_ahead, schedule_form, set_time
from newsletter.web.owner.to_whom import (
    GONE,
    CampaignForm,
    as_asked,
    campaign_form,
    leave_out,
    left_out_form,
    seen_of,
    take_along,
    tell_sizes,
    titles,
)
from newsletter.web.owner.to_whom import chosen as chosen_audience
from newsletter.web.owner.to_whom import seen as whom_seen
from newsletter.web.owner.trials import previewed, tests_of
from newsletter.web.state import now, reading, runtime, transaction


@door.route("/campaigns/new", methods=["GET", "POST"], endpoint="campaign_new")
def new() -> Any:
    """Draft a campaign from an article and an audience; the same choice again finds the existing draft."""
    with transaction() if request.method == "POST" else reading() as session:
        form, ab = campaign_form(session, data=as_asked()), ab_form(session)
        only_looks = bool(request.form.get("look"))  # the button for whoever has no script
        if not only_looks and form.validate_on_submit() and ab.validate() and not ab.forgets_to_test():
            try:
                return back("campaign", id=_draft(session, form, ab.wish(session)).id)
            except BadTest as error:
                ab.refuse(error)
        seen = seen_of(session, form)
        tell_sizes(session, form)
        counting = brand.current(session).counts_clicks
        shown = render_template("owner/campaign_new.html", form=form, ab=ab, counting=counting, seen=seen)
        return shown, 422 if form.errors or ab.errors else 200


def _draft(session: Session, form: CampaignForm, wish: Wish | None) -> Campaign:
    article = one_or_404(session, Article, form.article.data, lock=True)
    to = chosen_audience(session, form.audience.data or "")
    leave_out(session, to, form)
    if known := _known(session, article, to, wish):
        return known
    to.article, to.drafted_by_id = article, current_user.owner_id
    if wish:
        test = campaigns.make_ab_test(session, to, wish, brand.current(session), now())
        note(session, marked("A/B test drafted"), f"{to.id} against {test.b_id}")
    session.add(to)
    session.flush()
    note(session, marked("campaign drafted"), f"{to.id} {article.title}")
    return to


def _known(session: Session, article: Article, to: Campaign, wish: Wish | None) -> Campaign | None:
    """The existing draft of this article with the same audience, and the same test or none."""
    saved = to.saved_segment.id if to.saved_segment else None
    look = select(Campaign).where(
        Campaign.article_id == article.id, Campaign.stored_state == CampaignState.DRAFT,
        Campaign.segment_guide.is_not_distinct_from(to.segment_guide),
        Campaign.segment_tag.is_not_distinct_from(to.segment_tag),
        Campaign.segment_id.is_not_distinct_from(saved), Campaign.segment_rules.is_(None),
        Campaign.leaves_out_had == to.leaves_out_had, Campaign.left_out_rules.is_(None),
        Campaign.part.is_not_distinct_from(Part.A if wish else None),
    )  # fmt: skip
    drafts = session.scalars(look.order_by(Campaign.id)).all()
    known = [one for one in drafts if one.left_out == to.left_out]
    return draft_of(session, known, wish) if wish else next(iter(known), None)


@door.get("/campaigns/<row:id>", endpoint="campaign")
def show(id: int) -> Any:
    """Show a draft with its preflight, or the progress. A test that has not begun is on A's page."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        test = ab_test_of(session, campaign)
        if test is not None and campaign.part is Part.B and campaign.is_new:
            return back("campaign", id=test.a_id)
        return page(session, campaign, schedule_form(campaign))


def page(session: Session, campaign: Campaign, form: ScheduleForm) -> str:
    """A campaign's page, with what was typed there."""
    test = ab_test_of(session, campaign)
    parts = test.both if test and campaign.is_tested else (campaign,)
    people = sum(one.audience(now()).size(session) for one in parts) if campaign.is_new else 0
    report = report_of(session, campaign) if campaign.is_new else preflight.Report(())
    return render_template(
        "owner/campaign.html", campaign=campaign, form=form, people=people, report=report,
        mended=[(one, mended_at(session, one, campaign)) for one in report.checks],
        guides=titles(session), told=_told(session, campaign), topic=_topic(session, campaign),
        progress=Progress.of(session, campaign, now()), used=_used(session, campaign), undo=timedelta(minutes=1),
        counting=brand.current(session).counts_clicks, left=reports.of_campaigns(session, [campaign])[0][1].left,
        clicks=reports.clicks_of_campaign(session, campaign, runtime().renderer),
        original=original_of(session, campaign), resent=resent_as(session, campaign),
        may_resend=not why_not(session, campaign, now()), resend_from=waits_until(session, campaign, now()),
        seen=Seen.of(session, test) if test else None,
        test_number=tests_of(session, campaign.revision) + 1 if campaign.is_new else 1,
        previewed=previewed(session, campaign.article) if campaign.is_new else None,
        asked=Asked.of(session, campaign), is_mine=is_own_draft(campaign),
        spam=spam.shown(session, Scores.CAMPAIGN, campaign.id) if campaign.is_new else None,
        fetched=links_fetched.shown(session, campaign) if campaign.is_new else None,
        **_times(session, campaign, form), **_whom(session, campaign, form),
    )  # fmt: skip


def _times(session: Session, campaign: Campaign, form: ScheduleForm) -> dict[str, Any]:
    """The page's variables about time: when each part is sent at everyone's own time, and the best known hour."""
    own, dispatch, at = campaign.own_time, campaign.dispatch, now()
    if not campaign.is_new:
        return {"openings": openings(session, dispatch, at) if own and dispatch else []}
    return {
        "one_moment": campaigns.AT_ONE_MOMENT if campaign.is_tested else "", "house_zone": brand.current(session).zone,
        "best": best_hour(session, at),
        "plan": looked_ahead(session, campaign, form),
        "set_plan": campaigns.plan_own_time(session, campaign, own, at) if own else None,
    }  # fmt: skip


def _whom(session: Session, campaign: Campaign, form: ScheduleForm) -> dict[str, Any]:
    """The page's variables about recipients: who they are, who gets another mail that day, who can still be sent it."""
    if campaign.is_new:
        twice = day_seen(session, campaign, form)
        # A continuation or a resent campaign keeps the exclusions of the original.
        left_out = left_out_form(session, campaign) if campaign.left_out_rules is None else None
        return {"twice": twice, "button_says": says(session, campaign, twice), "left_out": left_out,
                "glance": whom_seen(session, campaign)["glance"],
                "source": continuation.continues(session, campaign)}  # fmt: skip
    may_go_on = not continuation.why_not(session, campaign)
    return {
        "source": continuation.continues(session, campaign), "went_on": continuation.continued_by(session, campaign),
        "others": continuation.others(session, campaign, now()).size(session) if may_go_on else None,
    }  # fmt: skip


def _topic(session: Session, campaign: Campaign) -> Topic | None:
    return session.get(Topic, campaign.topic_id) if campaign.topic_id else None


def _told(session: Session, campaign: Campaign) -> str:
    """The rules of its saved segment as a sentence; once launched, as they were then."""
    rules = campaign.rules
    return sentence(rules, look_up(session, rules)) if rules else ""


def _used(session: Session, campaign: Campaign) -> list[tuple[Revision, int]]:
    """(revision, number of people who got it); empty with a single revision, to save counting."""
    dispatch = campaign.dispatch
    if dispatch is None or dispatch.revision.created_at < dispatch.created_at:
        return []  # only the text of the launch
    seen = revisions_used(session, dispatch)
    return [(one, count) for one, count in seen if one.id != dispatch.revision_id] and seen


@door.post("/campaigns/<row:id>/schedule", endpoint="campaign_schedule")
def schedule(id: int) -> Any:
    """Set the time. A second click changes nothing and shows the present state."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if not campaign.is_new:
            return back("campaign", _("It is %(state)s already.", state=word(campaign.state)), "info", id=id)
        if told := overtaken(session, campaign) or ("" if take_along(session, campaign) else _(GONE)):
            return back("campaign", told, "danger", id=id)
        form = ScheduleForm()
        if request.form.get("look"):  # the button for whoever has no script
            return page(session, campaign, form)
        time = chosen(session, campaign, form) if form.validate() else None
        if time is None:
            return page(session, campaign, form), 422
        house = brand.current(session)
        report = report_of(session, campaign)
        if report.fit and report.of(preflight.Level.WARNING) and not form.accept.data:
            form.accept.errors = [_("Read the warnings, and tick this if it is meant so.")]
            return page(session, campaign, form), 422
        try:
            report.insist(accepted=True)
        except preflight.NotFit as error:
            return back("campaign", in_words(error), "danger", id=id)
        try:
            told = set_time(session, campaign, time, house, bool(form.one_a_day.data))
        except NotNow as error:
            form.when.errors = [in_words(error)]
            return page(session, campaign, form), 422
        approval.approve(session, campaign, owner_in(session), now())
        note(session, marked("campaign scheduled"), f"{id} for {as_noted(campaign)}")
    return back("campaign", told, id=id)


@door.get("/campaigns/<row:id>/cancel", endpoint="campaign_ask_cancel")
def ask_cancel(id: int) -> str:
    """Ask for confirmation; what was sent stays sent."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        return render_template(
            "owner/campaign_cancel.html", campaign=campaign, progress=Progress.of(session, campaign, now())
        )


@door.post("/campaigns/<row:id>/<any(unschedule, pause, resume, cancel):verb>", endpoint="campaign_act")
def act(id: int, verb: str) -> Response:
    """Carry out a button's action. If repeated or too late, changes nothing and shows the present state."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        acts: dict[str, tuple[Callable[[], None], str]] = {
            "unschedule": (lambda: together.unschedule(session, campaign), _("It is a draft again; nothing has left.")),
            "pause": (
                lambda: together.pause(session, campaign),
                _("Paused. What is on the wire this second still arrives."),
            ),
            "resume": (lambda: together.resume(session, campaign), _("It goes on.")),
            "cancel": (lambda: together.cancel(session, campaign, now()), _("Cancelled. What was sent stays sent.")),
        }
        do, told = acts[verb]
        try:
            do()
        except NotNow as error:
            tell(in_words(error), "info")
        else:
            tell(told, "success")
            note(session, f"campaign {verb}", str(id))
    return back("campaign", id=id)
