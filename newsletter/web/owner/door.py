"""The owner's blueprint: its guard, and helpers for every page."""

from typing import Any, TypeVar

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask import session as cookie
from flask_login import current_user
from flask_wtf.csrf import CSRFError, generate_csrf
from sqlalchemy.orm import Session
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from newsletter import accounts, brand, installation
from newsletter.accounts import Changes, Owner
from newsletter.db import Base
from newsletter.web.language import in_words
from newsletter.web.owner import permissions
from newsletter.web.owner.menu import DOORS, open_folder, pages_of
from newsletter.web.rows import LARGEST_ID
from newsletter.web.security import csrf
from newsletter.web.state import now, reading, runtime, state

door = Blueprint("owner", __name__, url_prefix="/owner")
OPEN_TO_ALL = tuple(f"{permissions.PREFIX}{name}" for name in sorted(permissions.OPEN))
Row = TypeVar("Row", bound=Base)
LONG_TEXT = "body"
"""A form field in which somebody may have written for an hour."""
LANDING = "landing"
"""The field that names the state from which editing of a guide's page began; it may have taken as long."""
LONGEST_WORDS, MOST_WORDS = 600, 3
PAGE = 50
"""Rows on one page of a list."""


@door.before_request
def _guard() -> Any:
    is_in = request.endpoint in OPEN_TO_ALL or current_user.is_authenticated
    try:
        csrf.protect()  # only on requests that change something
    except CSRFError:
        if _is_long():
            return _rescued(is_in)
        raise
    if request.endpoint in OPEN_TO_ALL:
        return None
    if is_in:
        return permissions.refused()
    if _is_long():
        return _rescued(is_in)
    onward = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("owner.login", next=onward))


def _is_long() -> bool:
    return LONG_TEXT in request.form or LANDING in request.form


def _rescued(is_in: bool) -> tuple[Any, int]:
    """Show a typed text again if its session ended: it is not saved without a valid token, but nothing is lost.

    A user who has signed in again gets a new token; scripts get JSON.
    """
    if request.accept_mimetypes.best == "application/json":
        return jsonify(signed_out=not is_in, token=generate_csrf() if is_in else ""), 401
    kept = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    action = request.script_root + request.full_path.rstrip("?")
    return render_template("owner/rescue.html", typed=request.form, kept=kept, action=action, is_in=is_in), 400


@door.after_request
def _kept_private(response: Response) -> Response:
    # Not "no-store": the browser's Back button must still have what was typed into a form.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


@door.context_processor
def _house() -> dict[str, Any]:
    if not current_user.is_authenticated:
        return {}
    with reading() as session:
        name, locked = brand.current(session).name, installation.current(session).is_locked
        age = state().figures.age(session)
    is_local = runtime().settings.is_local
    menu = {"menu": DOORS, "menu_folder": open_folder(), "menu_pages": pages_of}
    return {
        "house": name, "locked": locked, "is_local": is_local, "page_now": now(), "figures_age": age,
        "role": permissions.ROLES[current_user.role], "set_up": set_up_asked(), **menu,
    }  # fmt: skip


def owner_in(session: Session) -> Owner:
    """The signed-in owner, loaded in this session."""
    return session.get_one(Owner, current_user.owner_id)


def note(session: Session, action: str, detail: str = "", changes: Changes | None = None) -> None:
    """Add the signed-in owner's action to the audit log, with values before and after."""
    accounts.note(session, owner_in(session), now(), action, detail, changes=changes)


def one_or_404(session: Session, kind: type[Row], id: int, lock: bool = False) -> Row:
    """The row with this id. `lock`: until the transaction ends, so that double clicks are handled one by one."""
    return session.get(kind, id, with_for_update=True if lock else None) or abort(404)


def asked_id(name: str, source: Any = None) -> int | None:
    """A row's id from the query or a form; None if missing or invalid."""
    typed = (request.args if source is None else source).get(name, "")
    sound = len(typed) < 20 and typed.isascii() and typed.isdigit() and 0 < int(typed) <= LARGEST_ID
    return int(typed) if sound else None


def set_up_asked() -> int | None:
    """The id of the guide from whose setup steps this page was opened, or its form submitted."""
    try:
        return asked_id("set_up", request.values)
    except RequestEntityTooLarge:
        return None  # the error page is on its way, and the body was not read


def words_asked(name: str = "q", source: Any = None) -> str:
    """A typed search from the query or a form: one line, at most 254 characters."""
    return " ".join((request.args if source is None else source).get(name, "").replace("\0", "").split())[:254]


def tell(words: str, kind: str) -> None:
    """Show a message on the next page. Messages wait in the 4 kB cookie, so only a few short ones are kept."""
    flash(in_words(words)[:LONGEST_WORDS], kind)
    cookie["_flashes"] = cookie["_flashes"][-MOST_WORDS:]


def back(endpoint: str, told: str = "", kind: str = "success", **values: Any) -> Response:
    """A redirect after a POST to a page that shows the new state, with a message."""
    if told:
        tell(told, kind)
    return redirect(url_for(f"owner.{endpoint}", **values), 303)


def back_to_set_up(endpoint: str, told: str, **values: Any) -> Response:
    """A redirect after "Save": to a guide's setup steps if the user came from there, else to `endpoint`."""
    guide = set_up_asked()
    return back("guide_setup", told, id=guide) if guide else back(endpoint, told, **values)
