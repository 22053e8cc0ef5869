"""Second tries for a whole campaign, after a page that explains the consequences."""

from typing import Any

from flask import abort, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter.campaigns import Campaign
from newsletter.languages import marked
from newsletter.mail.ledger import Dispatch, State
from newsletter.mail.ledger.again import NotAgain, count_troubled, send_all_again
from newsletter.web.language import _, in_words, ngettext
from newsletter.web.owner.display import number, word
from newsletter.web.owner.door import back, door, note, one_or_404
from newsletter.web.state import now, reading, state, transaction


def _dispatch(session: Session, campaign: Campaign) -> Dispatch:
    if campaign.dispatch_id is None:
        abort(404, _("Nothing of this campaign has been sent yet."))
    return session.get_one(Dispatch, campaign.dispatch_id)


@door.get("/campaigns/<row:id>/again/<any(uncertain, failed):which>", endpoint="campaign_ask_again")
def ask(id: int, which: str) -> Any:
    """Show how many messages it concerns, and the consequences."""
    with reading() as session:
        campaign = one_or_404(session, Campaign, id)
        people = count_troubled(session, _dispatch(session, campaign), State(which))
        if not people:
            return back(
                "campaign",
                _("Nothing of it is %(state)s, or you have left it as it is.", state=word(State(which))),
                "info",
                id=id,
            )
        return render_template("owner/campaign_again.html", campaign=campaign, which=which, people=people)


@door.post("/campaigns/<row:id>/again/<any(uncertain, failed):which>", endpoint="campaign_again")
def send(id: int, which: str) -> Response:
    """Queue all of them again. A second click finds none left."""
    with transaction() as session:
        campaign = one_or_404(session, Campaign, id, lock=True)
        try:
            people = send_all_again(session, _dispatch(session, campaign), State(which), now())
        except NotAgain as error:
            return back("campaign", in_words(error), "info", id=id)
        if people:
            note(session, marked("campaign sent again"), f"{id}, {people} {which}")
    state().trigger.wake()
    if not people:
        return back("campaign", _("Nothing of it is %(state)s any more.", state=word(State(which))), "info", id=id)
    told = ngettext("It is sent once more to %(num)s person, if they may still receive it.",
                    "It is sent once more to %(num)s people, if they may still receive it.", people,
                    num=number(people))  # fmt: skip
    return back("campaign", told, id=id)
