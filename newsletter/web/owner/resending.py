"""Resends a campaign under another subject to people who followed no link, and sends the rest of a cancelled one."""

from typing import Any

from flask import render_template
from flask_login import current_user
from sqlalchemy.orm import Session

from newsletter.campaigns import Campaign, NotNow
from newsletter.continuation import continue_, continued_by
from newsletter.languages import marked
from newsletter.resend import readers, resend, why_not, words_of
from newsletter.web.language import _, in_words
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.forms import ResendForm
from newsletter.web.state import now, reading, transaction


@door.get("/campaigns/<row:id>/once-more", endpoint="campaign_resend_ask")
def ask(id: int) -> Any:
    """Show the form for another subject, with the number of recipients."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        if reason := why_not(session, campaign, now()):
            return back("campaign", in_words(reason), "info", id=id)
        words = words_of(session, campaign)
        return _page(session, campaign, ResendForm(formdata=None, data={"preheader": words.preheader}))


def _page(session: Session, campaign: Campaign, form: ResendForm) -> str:
    return render_template(
        "owner/campaign_resend.html", campaign=campaign, form=form, words=words_of(session, campaign),
        people=readers(session, campaign, now()).size(session),
    )  # fmt: skip


@door.post("/campaigns/<row:id>/once-more", endpoint="campaign_resend")
def make(id: int) -> Any:
    """Draft the resent campaign. A second click finds the existing draft."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if reason := why_not(session, campaign, now()):
            return back("campaign", in_words(reason), "info", id=id)
        form = ResendForm()
        if not form.validate():
            return _page(session, campaign, form), 422
        try:
            again = resend(session, campaign, form.subject.data or "", now(), form.preheader.data or "")
        except NotNow as error:
            form.subject.errors = [in_words(error)]
            return _page(session, campaign, form), 422
        note(session, marked("campaign once more"), f"{again.id} of {id}")
        made = again.id
    return back("campaign", _("This is the draft. Look through it, then choose when it goes."), id=made)


@door.post("/campaigns/<row:id>/others", endpoint="campaign_continue")
def go_on(id: int) -> Any:
    """Draft the rest of a cancelled campaign. A second click finds the existing draft."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if known := continued_by(session, campaign):
            return back("campaign", _("Here it is already."), "info", id=known.id)
        try:
            made = continue_(session, campaign, now())
        except NotNow as error:
            return back("campaign", in_words(error), "info", id=id)
        made.drafted_by_id = current_user.owner_id
        note(session, marked("campaign to the others"), f"{made.id} of {id}")
        draft = made.id
    return back("campaign", _("This is the draft. Look through it, then choose when it goes."), id=draft)
