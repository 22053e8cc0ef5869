"""Sending: the sender's domain, relays and limits. This page requests checks by a worker, and shows the results."""

from typing import Any

from flask import jsonify, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import sending
from newsletter.languages import marked
from newsletter.sending import LookKind
from newsletter.web.language import _
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.sending_limits import page
from newsletter.web.owner.sending_shown import relay_names, state_of
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, transaction

CHECKS = "20 per minute"


@door.get("/sending", endpoint="sending")
def show() -> Any:
    """Show the last results."""
    with reading() as session:
        return page(session)


@door.get("/sending/state", endpoint="sending_state")
def tell_state() -> Response:
    """The state of the checks, for the page's script, which reloads on new results."""
    with reading() as session:
        return jsonify(state=state_of({(one.kind, one.name): one for one in sending.every(session)}))


@door.post("/sending/check", endpoint="sending_check")
@limiter.limit(CHECKS)
def check() -> Response:
    """Request a check of everything."""
    with transaction() as session:
        asked = sending.ask(session, LookKind.DOMAIN, "", now())
        if asked:
            note(session, marked("sender and relays checked"))
    return _asked(asked, "sender")


@door.post("/sending/relay", endpoint="sending_relay")
@limiter.limit(CHECKS)
def test_relay() -> Response:
    """Request a test of one configured relay."""
    name = request.form.get("relay", "")
    with transaction() as session:
        if name not in relay_names(session):
            return back("sending", _("There is no such relay any more. These are the relays of SMTP_URL."), "warning")
        asked = sending.ask(session, LookKind.RELAY, name, now())
        if asked:
            note(session, marked("relay tested"), name)
    return _asked(asked, "relays")


@door.post("/sending/key", endpoint="sending_key")
@limiter.limit(CHECKS)
@asks_password
def make_key() -> Response:
    """Have a worker generate a key for signing mail, so that no page ever holds one."""
    with transaction() as session:
        if _has_key(session):
            return back("sending", _("There is a key already; its record stands below."), "info")
        asked = sending.ask(session, LookKind.KEY, "", now())
        if asked:
            note(session, marked("DKIM key asked for"))
    return _asked(asked, "sender")


def _has_key(session: Session) -> bool:
    """Whether the last check found a key, in use or not."""
    found = next((one.found for one in sending.every(session) if one.kind is LookKind.DOMAIN), {})
    return bool(found.get("signs") or found.get("settings"))


def _asked(anew: bool, anchor: str) -> Response:
    if not anew:
        told = _("That was asked a few seconds ago. What was found stands here; look again in a moment.")
        return back("sending", told, "info", _anchor=anchor)
    return back("sending", _("It is being looked at. That takes a few seconds."), _anchor=anchor)
