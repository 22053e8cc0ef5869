"""Webhooks for bounces and complaints, at a secret URL per sending service."""

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
"""Seconds after which to retry a report that arrived before the message was recorded as sent."""


@door.post("/reports/<service>/<token>")
def take(service: str, token: str) -> Response:
    """Process a service's report. Idempotent.

    204: stored. 400: not this service's format. 404: an unknown or replaced URL. 503: retry later.
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
    with reading() as session:  # read-only, so that guessing URLs cannot block writers
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
