"""The owner's sessions: lists them by browser, and ends them."""

import re

from flask_login import current_user
from werkzeug.wrappers import Response

from newsletter import accounts
from newsletter.languages import marked
from newsletter.web.language import _
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.session import signed_out
from newsletter.web.state import transaction

# The first match: most browsers name others too.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_named(user_agent: str) -> str:
    """A short name of a browser: "Firefox on Linux"."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    first = re.match(r"[\w.-]{1,40}", user_agent)
    named = browser or (first[0] if first else _("A browser without a name"))
    return _("%(browser)s on %(system)s", browser=named, system=system) if system else named


@door.post("/sessions/<row:id>/end", endpoint="session_end")
def end(id: int) -> Response:
    """End one session; ending the present one signs out."""
    with transaction() as session:
        ended = accounts.session.end(session, current_user.owner_id, id)
        if ended:
            note(session, marked("session ended"))
    if id == current_user.session_id:
        return signed_out()
    told = _("That browser is signed out.") if ended else _("That session had ended already.")
    return back("settings", told, "success" if ended else "info", _anchor="sessions")


@door.post("/sessions/end-others", endpoint="sessions_end_others")
def end_others() -> Response:
    """End all sessions except this one."""
    with transaction() as session:
        ended = accounts.session.end_all(session, current_user.owner_id, but=current_user.session_id)
        if ended:
            note(session, marked("other sessions ended"), str(ended))
    told = _("Every other browser is signed out.") if ended else _("You are signed in nowhere else.")
    return back("settings", told, "success" if ended else "info", _anchor="sessions")
