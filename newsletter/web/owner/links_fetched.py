"""Links of a campaign: its page requests a check by a worker, and shows the results."""

from dataclasses import dataclass
from datetime import datetime

from flask import jsonify, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import brand, link_checks
from newsletter.campaigns import Campaign
from newsletter.link_checks import Outcome, Seen
from newsletter.web.owner.door import back, door, one_or_404
from newsletter.web.owner.mending import edited_at
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, transaction

PRESSES = "30 per minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The results shown on a campaign's page."""

    id: int
    article: int
    found: list[Seen]

    @property
    def lost(self) -> list[Seen]:
        """The links that failed."""
        return [one for one in self.found if one.outcome is Outcome.LOST]

    @property
    def unjudged(self) -> list[Seen]:
        """The links that the owner should open themselves."""
        return [one for one in self.found if one.outcome is Outcome.UNJUDGED]

    @property
    def waiting(self) -> int:
        """Number of links still to be fetched."""
        return sum(one.outcome is Outcome.WAITS for one in self.found)

    @property
    def at(self) -> datetime | None:
        """When the latest was fetched."""
        return max((one.at for one in self.found if one.at), default=None)

    @property
    def state(self) -> str:
        """For the page's script: "unasked", or a text that changes with every new result."""
        if any(one.outcome is Outcome.UNASKED for one in self.found):
            return "unasked"
        at = f"{self.at:%H%M%S%f}" if self.at else ""
        return f"waiting {self.waiting} {at}" if self.waiting else f"done {at}"

    @property
    def page(self) -> str:
        """The address of the page section that lists them."""
        return url_for("owner.campaign", id=self.id, _anchor="links")

    def mended_at(self, seen: Seen) -> str:
        """The address of the editor with this link in view."""
        return edited_at(self.article, "body", seen.address)


def shown(session: Session, campaign: Campaign) -> Shown:
    """The present results for a campaign's links."""
    found = link_checks.found_of(session, runtime().renderer, brand.current(session), campaign)
    return Shown(id=campaign.id, article=campaign.article_id, found=found)


@door.get("/campaigns/<row:id>/links", endpoint="campaign_links")
def show(id: int) -> Response:
    """The page section as HTML in JSON, for its script."""
    with reading() as session:
        return _piece(session, one_or_404(session, Campaign, id))


@door.post("/campaigns/<row:id>/links", endpoint="campaign_links_ask")
@limiter.limit(PRESSES)
def ask(id: int) -> Response:
    """Request a check of its links."""
    with transaction() as session:
        seen = shown(session, one_or_404(session, Campaign, id))
        anew = bool(request.form.get("anew"))
        link_checks.ask(session, [one.address for one in seen.found], now(), anew=anew)
    if request.accept_mimetypes.best == "application/json":
        with reading() as session:
            return _piece(session, one_or_404(session, Campaign, id))
    return back("campaign", id=id, _anchor="links")


def _piece(session: Session, campaign: Campaign) -> Response:
    seen = shown(session, campaign)
    return jsonify(state=seen.state, html=render_template("owner/_links.html", fetched=seen))
