"""One's own draft campaigns, which every role may cancel."""

from typing import Any

from flask import request
from flask_login import current_user

from newsletter.accounts import Permission
from newsletter.campaigns import Campaign, CampaignState, together
from newsletter.languages import marked
from newsletter.web.language import _
from newsletter.web.owner.display import word
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.owner.permissions import refusal
from newsletter.web.state import now, transaction


def is_own_draft(campaign: Campaign) -> bool:
    """Whether the user drafted it, and it is still only a draft."""
    return campaign.stored_state is CampaignState.DRAFT and campaign.drafted_by_id == current_user.owner_id


@door.post("/campaigns/<row:id>/throw-away", endpoint="campaign_throw_away")
def throw_away(id: int) -> Any:
    """Cancel one's own draft, for users who may not send. Nobody has been sent or promised anything."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        if not is_own_draft(campaign):
            if current_user.may(Permission.SEND) or campaign.stored_state is not CampaignState.DRAFT:
                return back("campaign", _("It is %(state)s already.", state=word(campaign.state)), "info", id=id)
            return refusal(Permission.SEND)
        if request.form.get("sure") != "yes":
            told = _("Nothing has changed: tick the box to say that you are sure.")
            return back("campaign", told, "info", id=id)
        together.cancel(session, campaign, now())
        note(session, marked("campaign draft thrown away"), f"{id} {campaign.article.title}")
    return back("campaigns", _("The draft is thrown away. Its article is kept."))
