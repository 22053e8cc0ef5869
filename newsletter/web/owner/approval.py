"""Approval: a writer's finished draft is reviewed by somebody who may send."""

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import approval, brand, characters, preflight
from newsletter.accounts import Permission, with_permission
from newsletter.approval import Approval, ApprovalState, reaches_readers
from newsletter.articles import Article
from newsletter.campaigns import Campaign, NotNow
from newsletter.languages import said
from newsletter.web.language import _, in_words
from newsletter.web.owner.door import back, door, one_or_404, owner_in
from newsletter.web.state import now, runtime, state, transaction


def held_back(session: Session, article: Article) -> str:
    """Why the user may not save changes to this article, and whom to ask; "" if they may."""
    if current_user.may(Permission.SEND) or not reaches_readers(session, article):
        return ""
    people = ", ".join(one.email for one in with_permission(session, Permission.SEND))
    return _(
        "Readers get this article as it stands: it is scheduled, in a series, or in the archive. So other words of it "
        "are for those to save who may send: %(people)s. Nothing was saved.",
        people=people,
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """A draft's request for approval, as shown on its page."""

    row: Approval
    waits: bool
    is_mine: bool
    changed: bool
    seen: str
    """Submitted with the send button, so that only what the page showed is sent."""

    @classmethod
    def of(cls, session: Session, campaign: Campaign) -> "Asked | None":
        """The request for a campaign's approval, or None."""
        row = approval.current(session, campaign)
        if row is None:
            return None
        is_mine = row.asked_by_id == current_user.owner_id
        seen = approval.fingerprint(session, campaign)
        return cls(row=row, waits=row.state is ApprovalState.WAITING, is_mine=is_mine, changed=row.fingerprint != seen,
                   seen=seen)  # fmt: skip


def overtaken(session: Session, campaign: Campaign) -> str:
    """Why a campaign waiting for approval cannot be sent from a page that showed something else; "" if it can."""
    asked = Asked.of(session, campaign)
    if asked is None or not asked.waits or request.form.get("seen") == asked.seen:
        return ""
    return _("It was asked for, or changed, while you looked at it, so nothing was sent. Look at it as it is now.")


def on_home(session: Session) -> list[Approval]:
    """The requests that concern the user: their own, and those waiting if they may send."""
    may_send = current_user.may(Permission.SEND)
    return [
        one
        for one in approval.open_ones(session)
        if one.asked_by_id == current_user.owner_id or (may_send and one.state is ApprovalState.WAITING)
    ]


def _typed(name: str) -> str:
    return characters.text(request.form.get(name, ""))[: approval.LONGEST_NOTE * 4]


@door.post("/campaigns/<row:id>/approval/<any(ask, 'take-back'):verb>", endpoint="campaign_approval")
def ask(id: int, verb: str) -> Response:
    """Request approval of a finished draft, or withdraw the request. Idempotent."""
    with transaction() as session:
        campaign, me = one_or_404(session, Campaign, id, lock=True), owner_in(session)
        try:
            if verb == "ask":
                _insist(session, campaign)
                approval.ask(session, campaign, me, _typed("note"), now())
                told = _("It waits for approval now. A mail tells those who may send it.")
            else:
                approval.take_back(session, campaign, me, now())
                told = _("Taken back: it waits for nobody.")
        except (NotNow, preflight.NotFit) as error:
            return back("campaign", in_words(error), "info", id=id)
    state().trigger.wake()
    return back("campaign", told, id=id)


def _insist(session: Session, campaign: Campaign) -> None:
    """Refuse a request for a draft that cannot be sent. Raises NotFit."""
    report = preflight.check_campaign(session, runtime().renderer, brand.current(session), campaign, now())
    if blocks := report.of(preflight.Level.BLOCK):
        raise preflight.NotFit(said("Nobody was asked yet. %(blocks)s", blocks=preflight.told(blocks)))


@door.post("/campaigns/<row:id>/hand-back", endpoint="campaign_hand_back")
def hand_back(id: int) -> Any:
    """Decline for now, with a note for the writer about what is missing."""
    answer = _typed("answer")
    if not answer.strip():
        return back("campaign", _("Not handed back yet: say what is missing."), "danger", id=id, _anchor="approval")
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        try:
            approval.hand_back(session, campaign, owner_in(session), answer, now())
        except NotNow as error:
            return back("campaign", in_words(error), "info", id=id)
    state().trigger.wake()
    return back("campaign", _("Handed back. A mail tells whoever asked."), id=id)
