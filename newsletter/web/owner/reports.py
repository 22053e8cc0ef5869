"""Bounces and complaints: the addresses to which sending services report them, and their last reports."""

from typing import Any

from flask import abort, make_response, render_template
from werkzeug.wrappers import Response

from newsletter import feedback
from newsletter.languages import marked
from newsletter.mail.incoming import Service
from newsletter.web.language import _, lazy
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.proof import asks_password
from newsletter.web.state import now, reading, runtime, transaction

WHERE = {
    Service.BREVO: lazy(
        "Transactional, Settings, Webhook: tick hard bounce, soft bounce, invalid e-mail, blocked and spam."
    ),
    Service.MAILGUN: lazy("Send, Sending, Webhooks: one for “permanent failure” and one for “spam complaints”."),
    Service.MAILJET: lazy("Account settings, Event notifications: bounce, blocked and spam."),
    Service.POSTMARK: lazy("Your server, its message stream, Webhooks: bounce and spam complaint."),
    Service.SENDGRID: lazy("Settings, Mail settings, Event webhook: bounced, dropped and spam reports."),
    Service.SES: (
        lazy(
            "Amazon SNS: a topic with an HTTPS subscription to this address. Then in SES, at your identity, "
            "Notifications: that topic for bounces and complaints, with the original headers. Amazon asks once "
            "whether it may; you get a mail with its link."
        )
    ),
}
"""Where to enter the address at each service."""


@door.get("/reports", endpoint="reports")
@asks_password
def show() -> Any:
    """Show the address for each service."""
    with reading() as session:
        site, signer = runtime().settings.site, runtime().signer
        rows = [
            (service, f"{site}/reports/{service}/{feedback.report_token(signer, one)}", WHERE[service], one.last_at)
            for service, one in feedback.report_addresses(session).items()
        ]
        has_inbox = bool(runtime().settings.inbox_url)
        answer = make_response(render_template("owner/reports.html", rows=rows, at=now(), has_inbox=has_inbox))
    answer.headers["Cache-Control"] = "private, no-store"  # whoever knows such an address can stop mail to anybody
    return answer


@door.post("/reports/<service>/renew", endpoint="reports_renew")
@asks_password
def renew(service: str) -> Response:
    """Replace this service's address; the old one stops working."""
    if service not in {one.value for one in Service}:
        abort(404)
    sender = Service(service)
    with transaction() as session:
        feedback.renew(session, sender)
        note(session, marked("address for reports renewed"), sender.label)
    return back(
        "reports",
        _("%(service)s has a new address. Type it there: the old one takes nothing any more.", service=sender.label),
    )
