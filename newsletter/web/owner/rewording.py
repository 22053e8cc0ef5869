"""Revises a campaign that is being sent, in steps: pause, write, preview, confirm, save.

The text is passed from step to step in the form and stored only at the last one, so it cannot be lost, or sent by
accident.
"""

from typing import Any

from flask import g, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session

from newsletter import brand, preflight
from newsletter.articles import Revision
from newsletter.campaigns import Campaign, CampaignState, NotNow
from newsletter.languages import joined, marked
from newsletter.mail.contents import content, content_of
from newsletter.mail.ledger import Dispatch
from newsletter.mail.render import FILTER_EXAMPLES, IN_SERIES, BadArticle, Content, Reader, names_for_readers
from newsletter.subscribers import Stream, own_merge_fields
from newsletter.web.language import _, in_words
from newsletter.web.owner.door import LONG_TEXT, back, door, note, one_or_404
from newsletter.web.owner.forms import WordsForm
from newsletter.web.personal import MAIL_PAGE_POLICY
from newsletter.web.state import now, reading, runtime, transaction

GOING_OUT = (CampaignState.SENDING, CampaignState.PAUSED)
CHANGED_ELSEWHERE = marked(
    "The words were changed in another window since you opened this page: they are revision %(number)s now. "
    "Yours are below, and going on puts them in place of those."
)


@door.get("/campaigns/<row:id>/words", endpoint="campaign_words")
def show(id: int) -> Any:
    """Ask to pause it; or, once paused, show who would get the new text, and the form for it."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        if campaign.dispatch is None or campaign.state not in GOING_OUT:
            return back("campaign", _("Only a campaign that is going out can be given other words."), "info", id=id)
        if campaign.state is CampaignState.SENDING:
            return render_template("owner/campaign_words_hold.html", campaign=campaign)
        newest = campaign.article.current
        start = newest if request.args.get("from") == "article" else campaign.dispatch.revision
        return _editor(session, campaign, campaign.dispatch, WordsForm(data=_as_typed(start, campaign.dispatch)))


def _as_typed(revision: Revision, dispatch: Dispatch) -> dict[str, str]:
    words = {"subject": revision.subject, "preheader": revision.preheader, "body": revision.body}
    return {**words, "base": str(dispatch.revision.number)}


def _editor(session: Session, campaign: Campaign, dispatch: Dispatch, form: WordsForm, problem: str = "") -> Any:
    # A campaign has no guide in its context.
    ours = [one for one in names_for_readers(own_merge_fields(session)) if one.name != IN_SERIES]
    page = render_template(
        "owner/campaign_words.html", campaign=campaign, dispatch=dispatch, form=form, problem=problem, variables=ours,
        filters=FILTER_EXAMPLES, turn=campaign.turn(session),
    )  # fmt: skip
    return page, 422 if problem or form.errors else 200


@door.post("/campaigns/<row:id>/words", endpoint="campaign_words_go_on")
def go_on(id: int) -> Any:
    """Carry out one step, passing on what was typed: pause, write again, preview and confirm, or save."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        dispatch, form, step = campaign.dispatch, WordsForm(), request.form.get("step")
        if dispatch is None:
            return back("campaign", _("Only a campaign that is going out can be given other words."), "info", id=id)
        if step == "hold":
            return _hold(session, campaign, dispatch, form)
        if step == "write":
            return _editor(session, campaign, dispatch, form)
        if step == "set" and _has_these(session, dispatch, form):  # a second click
            return back("campaign", _("It has these words; they go out when you resume it."), "info", id=id)
        if not (form.validate() and _not_overtaken(form, dispatch) and _fits(session, form)):
            return _editor(session, campaign, dispatch, form)
        try:
            return (_set if step == "set" else _ask)(session, campaign, dispatch, form)
        except NotNow as error:
            return _editor(session, campaign, dispatch, form, in_words(error))


def _hold(session: Session, campaign: Campaign, dispatch: Dispatch, form: WordsForm) -> Any:
    if campaign.state is CampaignState.SENDING:
        campaign.pause(marked("By the owner, to change the words."))
        note(session, marked("campaign pause"), str(campaign.id))
    if LONG_TEXT in request.form:
        return _editor(session, campaign, dispatch, form)
    held = campaign.state is CampaignState.PAUSED
    told = _("Paused. What is on the wire this second still arrives.") if held else ""
    return back("campaign_words", told, id=campaign.id)


def _ask(session: Session, campaign: Campaign, dispatch: Dispatch, form: WordsForm) -> Any:
    turn = campaign.revisable(session, _typed(session, form))
    seen = _rendered(session, form)
    return render_template(
        "owner/campaign_words_ask.html", campaign=campaign, form=form, turn=turn, seen=seen, dispatch=dispatch,
        warnings=_report(session, form).of(preflight.Level.WARNING),
    )  # fmt: skip


def _set(session: Session, campaign: Campaign, dispatch: Dispatch, form: WordsForm) -> Any:
    turn = campaign.revise(session, _typed(session, form), now(), by=current_user.owner_id)
    number = dispatch.revision.number
    detail = f"{campaign.id} revision {number} to {turn.to_come} people from No. {turn.first} on"
    note(session, marked("campaign words changed"), detail)
    told = _(
        "The new words are set (revision %(number)s). %(told)s Nothing goes out before you resume it.",
        number=number,
        told=" ".join(map(in_words, turn.told[:2])),
    )
    return back("campaign", told, id=campaign.id)


def _typed(session: Session, form: WordsForm) -> Content:
    return content(session, form.subject.data or "", form.preheader.data or "", form.body.data or "")


def _has_these(session: Session, dispatch: Dispatch, form: WordsForm) -> bool:
    return _typed(session, form).words == content_of(session, dispatch.revision).words


def _not_overtaken(form: WordsForm, dispatch: Dispatch) -> bool:
    base = str(dispatch.revision.number)
    if form.base.data == base:
        return True
    form.base.data = base
    form.body.errors = [_(CHANGED_ELSEWHERE, number=base)]
    return False


def _fits(session: Session, form: WordsForm) -> bool:
    """Whether the preflight accepts the text for a campaign; if not, adds an error to it."""
    blocks = _report(session, form).of(preflight.Level.BLOCK)
    form.body.errors = [
        in_words(one.found if one.name == "Text" else joined((one.name, one.found), ": ")) for one in blocks
    ]
    return not form.body.errors


def _report(session: Session, form: WordsForm) -> preflight.Report:
    return preflight.check_words(session, runtime().renderer, brand.current(session), _typed(session, form))


def _rendered(session: Session, form: WordsForm) -> Any:
    # Links for nobody: a click in the preview must not unsubscribe anybody.
    return runtime().renderer.rendered(Stream.CAMPAIGN, brand.current(session), Reader(0), _typed(session, form), {})


@door.post("/campaigns/<row:id>/words/preview", endpoint="campaign_words_preview")
def preview(id: int) -> Any:
    """The HTML part of the typed text, for a frame or a separate window. Saves nothing."""
    with reading() as session:
        one_or_404(session, Campaign, id)
        g.csp = MAIL_PAGE_POLICY
        try:
            return _rendered(session, WordsForm()).html
        except BadArticle as error:
            return in_words(error), 422, {"Content-Type": "text/plain; charset=utf-8"}
