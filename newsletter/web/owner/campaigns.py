"""Campaigns: one article to many people, now or at a chosen time, watched while it goes out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import render_template, request
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from newsletter import approval, brand, campaigns, preflight, reports
from newsletter.articles import Article, Revision
from newsletter.best_hour import best_hour
from newsletter.campaigns import BadTest, Campaign, CampaignState, NotNow, Part, Wish, ab_test_of, together
from newsletter.guides import Guide
from newsletter.languages import marked
from newsletter.mail.ledger.contents import revisions_used
from newsletter.mail.ledger.opening import openings
from newsletter.preflight.spam import Scores
from newsletter.resend import original_of, resent_as, waits_until, why_not
from newsletter.subscribers import all_tags, segments
from newsletter.subscribers.segments import SavedSegment, look_up, sentence
from newsletter.topics import Topic
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner import links_fetched, spam
from newsletter.web.owner.ab_form import ab_form
from newsletter.web.owner.ab_tests import Seen, draft_of
from newsletter.web.owner.approval import Asked, overtaken
from newsletter.web.owner.checks import report_of
from newsletter.web.owner.display import number, word
from newsletter.web.owner.door import asked_id, back, door, note, one_or_404, owner_in, tell, words_asked
from newsletter.web.owner.forms import CampaignForm
from newsletter.web.owner.mending import mended_at
from newsletter.web.owner.own_drafts import is_own_draft
from newsletter.web.owner.progress import Progress
from newsletter.web.owner.scheduling import ScheduleForm, as_noted, chosen, looked_ahead, schedule_form, set_time
from newsletter.web.owner.trials import previewed, tests_of
from newsletter.web.state import now, reading, runtime, transaction

TAG, SAVED = "tag:", "segment:"
"""Before a tag, and before a saved segment's number, where an audience is chosen: no guide's name has a colon."""
MOST = 100
"""Tags and segments among which an audience is chosen on the page; the command takes any."""


@door.route("/campaigns/new", methods=["GET", "POST"], endpoint="campaign_new")
def new() -> Any:
    """Choose an article and its audience; the same choice twice finds the draft there is."""
    with transaction() if request.method == "POST" else reading() as session:
        form, ab = (
            _form(session, data={"article": asked_id("article"), "audience": words_asked("audience")}),
            ab_form(session),
        )
        if form.validate_on_submit() and ab.validate() and not ab.forgets_to_test():
            try:
                wish = ab.wish(session)
                return back("campaign", id=_draft(session, form.article.data, form.audience.data or "", wish).id)
            except BadTest as error:
                ab.refuse(error)
        _tell_sizes(session, form)
        counting = brand.current(session).counts_clicks
        shown = render_template("owner/campaign_new.html", form=form, ab=ab, counting=counting)
        return shown, 422 if form.errors or ab.errors else 200


def _form(session: Session, **kwargs: Any) -> CampaignForm:
    form = CampaignForm(**kwargs)
    rows = session.execute(select(Article.id, Article.title).order_by(Article.updated_at.desc()))
    form.article.choices = [SelectChoice(id, title) for id, title in rows]
    asked = [
        SelectChoice(slug, _("asked for “%(title)s”", title=title), optgroup=_("By guide"))
        for slug, title in _titles(session).items()
    ]
    tags = [name for name, _ in all_tags(session, MOST)]
    tagged = [
        SelectChoice(f"{TAG}{name}", _("with the tag “%(name)s”", name=name), optgroup=_("By tag")) for name in tags
    ]
    saved = [
        SelectChoice(f"{SAVED}{one.id}", _("in the segment “%(name)s”", name=one.name), optgroup=_("By segment"))
        for one in _saved(session)
    ]
    form.audience.choices = [SelectChoice("", _("all newsletter readers")), *asked, *tagged, *saved]
    return form


def _saved(session: Session) -> list[SavedSegment]:
    """The first of them, and the one that the page was opened for."""
    asked = words_asked("audience")
    every = enumerate(segments.every(session))
    return [one for place, one in every if place < MOST or asked == f"{SAVED}{one.id}"]


def _chosen(session: Session, chosen: str) -> Campaign:
    """A campaign to a chosen audience, not yet kept."""
    made = Campaign(zone=current_user.zone, created_at=now())
    if chosen.startswith(SAVED):
        made.saved_segment = session.get_one(SavedSegment, int(chosen.removeprefix(SAVED)))
    elif chosen.startswith(TAG):
        made.segment_tag = chosen.removeprefix(TAG)
    else:
        made.segment_guide = chosen or None
    return made


def _titles(session: Session) -> dict[str, str]:
    rows = session.execute(select(Guide.slug, Guide.title).order_by(Guide.position, Guide.id))
    return dict(rows.all())


def _tell_sizes(session: Session, form: CampaignForm) -> None:
    """How many people are in each audience now, before its name: the end of a long one is cut off on a phone."""
    for choice in form.audience.choices:
        size = _chosen(session, choice.value).audience(now()).size(session)
        choice.label = ngettext("%(num)s person: %(whom)s", "%(num)s people: %(whom)s", size, num=number(size),
                                whom=choice.label)  # fmt: skip


def _draft(session: Session, article_id: int, chosen: str, wish: Wish | None) -> Campaign:
    article, to = one_or_404(session, Article, article_id, lock=True), _chosen(session, chosen)
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
    """The draft of this article to the same people, with the same test or none."""
    saved = to.saved_segment.id if to.saved_segment else None
    look = select(Campaign).where(
        Campaign.article_id == article.id, Campaign.stored_state == CampaignState.DRAFT,
        Campaign.segment_guide.is_not_distinct_from(to.segment_guide),
        Campaign.segment_tag.is_not_distinct_from(to.segment_tag),
        Campaign.segment_id.is_not_distinct_from(saved),
        Campaign.part.is_not_distinct_from(Part.A if wish else None),
    )  # fmt: skip
    known = session.scalars(look.order_by(Campaign.id))
    return draft_of(session, list(known.all()), wish) if wish else known.first()


@door.get("/campaigns/<row:id>", endpoint="campaign")
def show(id: int) -> Any:
    """A draft with its preflight, or how far it has come. A test that has not begun is on the page of A."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        test = ab_test_of(session, campaign)
        if test is not None and campaign.part is Part.B and campaign.is_new:
            return back("campaign", id=test.a_id)
        return page(session, campaign, schedule_form(campaign))


def page(session: Session, campaign: Campaign, form: ScheduleForm) -> str:
    """Its page, with what was filled in there."""
    test = ab_test_of(session, campaign)
    parts = test.both if test and campaign.is_tested else (campaign,)
    people = sum(one.audience(now()).size(session) for one in parts) if campaign.is_new else 0
    report = report_of(session, campaign) if campaign.is_new else preflight.Report(())
    return render_template(
        "owner/campaign.html", campaign=campaign, form=form, people=people, report=report,
        mended=[(one, mended_at(session, one, campaign)) for one in report.checks],
        guides=_titles(session), told=_told(session, campaign), topic=_topic(session, campaign),
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
        **_times(session, campaign, form),
    )  # fmt: skip


def _times(session: Session, campaign: Campaign, form: ScheduleForm) -> dict[str, Any]:
    """What its page says of when it goes: what leaves when, at everyone's own time, and the best hour known."""
    own, dispatch, at = campaign.own_time, campaign.dispatch, now()
    if not campaign.is_new:
        return {"openings": openings(session, dispatch, at) if own and dispatch else []}
    return {
        "one_moment": campaigns.AT_ONE_MOMENT if campaign.is_tested else "", "house_zone": brand.current(session).zone,
        "best": best_hour(session, at),
        "plan": looked_ahead(session, campaign, form),
        "set_plan": campaigns.plan_own_time(session, campaign, own, at) if own else None,
    }  # fmt: skip


def _topic(session: Session, campaign: Campaign) -> Topic | None:
    return session.get(Topic, campaign.topic_id) if campaign.topic_id else None


def _told(session: Session, campaign: Campaign) -> str:
    """The rules of its saved segment as a sentence; of one that was launched, as they were then."""
    rules = campaign.rules
    return sentence(rules, look_up(session, rules)) if rules else ""


def _used(session: Session, campaign: Campaign) -> list[tuple[Revision, int]]:
    """Its revisions with how many people have each; empty while it has had one only, which needs no counting."""
    dispatch = campaign.dispatch
    if dispatch is None or dispatch.revision.created_at < dispatch.created_at:
        return []  # the words of the launch
    seen = revisions_used(session, dispatch)
    return [(one, count) for one, count in seen if one.id != dispatch.revision_id] and seen


@door.post("/campaigns/<row:id>/schedule", endpoint="campaign_schedule")
def schedule(id: int) -> Any:
    """Set the time. A second click finds it scheduled, or going out, and is shown that."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if not campaign.is_new:
            return back("campaign", _("It is %(state)s already.", state=word(campaign.state)), "info", id=id)
        if told := overtaken(session, campaign):
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
            told = set_time(session, campaign, time, house)
        except NotNow as error:
            form.when.errors = [in_words(error)]
            return page(session, campaign, form), 422
        approval.approve(session, campaign, owner_in(session), now())
        note(session, marked("campaign scheduled"), f"{id} for {as_noted(campaign)}")
    return back("campaign", told, id=id)


@door.get("/campaigns/<row:id>/cancel", endpoint="campaign_ask_cancel")
def ask_cancel(id: int) -> str:
    """Are you sure? What was sent stays sent."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        return render_template(
            "owner/campaign_cancel.html", campaign=campaign, progress=Progress.of(session, campaign, now())
        )


@door.post("/campaigns/<row:id>/<any(unschedule, pause, resume, cancel):verb>", endpoint="campaign_act")
def act(id: int, verb: str) -> Response:
    """What a button asks for. Asked again, or too late, it changes nothing and says where the campaign stands."""
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
