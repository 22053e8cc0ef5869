"""Who would get a campaign when, at everyone's own time, while its time is being chosen."""

from flask import jsonify, render_template, request
from werkzeug.wrappers import Response

from newsletter import brand
from newsletter.campaigns import Campaign
from newsletter.web.owner.door import door, one_or_404
from newsletter.web.owner.scheduling import looked_ahead, schedule_form
from newsletter.web.state import reading


@door.get("/campaigns/<row:id>/leavings", endpoint="campaign_leavings")
def leavings(id: int) -> Response:
    """A piece of the campaign's page, for its script: for the date and the time in the address; empty for all at
    once."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        form = schedule_form(campaign)
        plan = looked_ahead(session, campaign, form) if campaign.is_new and "when" in request.args else None
        house = brand.current(session)
        return jsonify(html=render_template("owner/leavings.html", plan=plan, form=form, house_zone=house.zone))
