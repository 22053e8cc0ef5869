"""Where sending services report bounces and complaints: an address of its own for each, which nobody else knows."""

from flask import Blueprint, abort, request
from werkzeug.wrappers import Response

from newsletter import feedback
from newsletter.inbound import Taken, take_report
from newsletter.languages import said
from newsletter.links import BadLink
from newsletter.mail.incoming import Service, Unreadable, asks_to_confirm, reports
from newsletter.mail.notice import tell_owners
from newsletter.web.state import now, reading, runtime, state, transaction

door = Blueprint("reports", __name__)
AGAIN = 30
"""Seconds after which a service should offer a report again that was quicker than our own record."""


@door.post("/reports/<service>/<token>")
def take(service: str, token: str) -> Response:
    """Take what a service reports. It may be offered again: nothing is done twice.

    204: it is stored. 400: it is not what this service sends. 404: no such address, or one that was replaced. 503: try
    later.
    """
    sender = _sender(service, token)
    body = request.get_data()
    try:
        told = reports(sender, body)
    except Unreadable:
        return _plain(f"This is not what {sender.label} sends. The address takes JSON.\n", 400)
    if sender is Service.SES and (confirm := asks_to_confirm(body)):
        _tell_of(confirm)
    became = [take_report(runtime(), one) for one in told]
    if Taken.LATER in became:
        late = _plain("One of these mails is not on record yet. Please send this again.\n", 503)
        late.headers["Retry-After"] = str(AGAIN)
        return late
    return Response(status=204)


def _sender(service: str, token: str) -> Service:
    if service not in {one.value for one in Service}:
        abort(404)
    sender = Service(service)
    with reading() as session:  # whoever guesses keeps nobody from writing
        try:
            known = feedback.is_current(session, runtime().signer, sender, token)
        except BadLink:
            known = False
    if not known:
        abort(404)
    with transaction() as session:
        feedback.heard_of(session, sender, now())
    return sender


def _tell_of(confirm: str) -> None:
    with transaction() as session:
        tell_owners(
            session, now(), key=f"sns:{confirm[-60:]}",
            title=said("Amazon asks whether it may report bounces to you"),
            lines=[
                said("If you have just given Amazon SNS the address for reports of this newsletter, open this link, "
                     "once:"),
                confirm[:1500],
                said("If you have not, leave it: then somebody else knows that address. Ask for a new one."),
            ],
            button=said("Bounces and complaints"), path="/owner/reports",
        )  # fmt: skip
    state().trigger.wake()


def _plain(words: str, status: int) -> Response:
    return Response(words, status, content_type="text/plain; charset=utf-8")
