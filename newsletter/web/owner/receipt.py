"""The receipt of consent: what a person agreed to and withdrew, to print or hand over."""

from flask import jsonify, render_template
from werkzeug.wrappers import Response

from newsletter import brand, data_export
from newsletter.subscribers import Subscriber, topic_choice
from newsletter.topics import names_of
from newsletter.web.owner.door import door, one_or_404
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.timeline import consent_record
from newsletter.web.state import now, reading


@door.get("/subscribers/<row:id>/consent", endpoint="subscriber_consent")
def show(id: int) -> str:
    """Show the receipt on a printable page."""
    with reading() as session:
        person = one_or_404(session, Subscriber, id)
        choice = topic_choice(session, person)
        return render_template(
            "owner/receipt.html", person=person, record=consent_record(session, person), at=now(),
            brand=brand.current(session), topics="" if choice.every else ", ".join(names_of(session, choice.ids)),
        )  # fmt: skip


@door.get("/subscribers/<row:id>/consent.json", endpoint="subscriber_consent_json")
@asks_password
def as_json(id: int) -> Response:
    """Download the receipt as JSON."""
    with reading() as session:
        answer: Response = jsonify(data_export.consent_of(session, one_or_404(session, Subscriber, id)))
    answer.headers["Content-Disposition"] = f"attachment; filename=consent-{id}.json"
    return answer
