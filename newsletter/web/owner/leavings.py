"""While a campaign's time is chosen: who would get it when, at everyone's own time, and who gets two mails that day."""

from flask import jsonify, render_template, request
from werkzeug.wrappers import Response

from newsletter import brand
from newsletter.campaigns import Campaign
from newsletter.web.owner.door import door, one_or_404
from newsletter.web.owner.same_day import day_seen, says
from newsletter.web.owner.scheduling import looked_ahead, schedule_form
from newsletter.web.owner.to_whom import as_ticked
from newsletter.web.state import reading


@door.get("/campaigns/<row:id>/leavings", endpoint="campaign_leavings")
def leavings(id: int) -> Response:
    """A section of the campaign's page as JSON, for the date and time in the address.

    `again`: whether it is still being counted, so that the script asks again a second later.
    """
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        form, ticked = schedule_form(campaign), as_ticked(session, campaign)
        plan = looked_ahead(session, ticked, form) if campaign.is_new and "when" in request.args else None
        twice = day_seen(session, ticked, form) if campaign.is_new and "when" in request.args else None
        html = render_template(
            "owner/leavings.html", plan=plan, form=form, house_zone=brand.current(session).zone, twice=twice,
            campaign=campaign,
        )  # fmt: skip
        again = twice is not None and twice.people is None
        return jsonify(html=html, says=says(session, campaign, twice), again=again)
