"""Asks for the password again before anything that cannot be undone, exports data, or gives somebody access."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import make_response, redirect, render_template, request, url_for
from flask_login import current_user

from newsletter import accounts
from newsletter.accounts.wait import BROWSER
from newsletter.languages import marked
from newsletter.web.language import _
from newsletter.web.owner.door import door, note, owner_in
from newsletter.web.owner.session import asked_to_wait, local_path, take_try
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, transaction

FIELD = "password_again"
TRIES = "10 per minute"


def asks_password(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a view to require the password, typed within the last ten minutes.

    The page that asks keeps a submitted form, which is carried out once the password is right. No page can keep a
    chosen file, so decorate the page with such a form too.
    """

    @wraps(view)
    def asked(*args: Any, **kwargs: Any) -> Any:
        if current_user.is_proven(now()):
            return view(*args, **kwargs)
        if request.method in ("GET", "HEAD"):
            return redirect(url_for("owner.proof", next=request.full_path.rstrip("?")))
        error, wait = _proven() if FIELD in request.form else ("", 0)
        if FIELD in request.form and not error:
            return view(*args, **kwargs)
        return _page(request.full_path.rstrip("?"), error, wait)

    return asked


@door.route("/proof", methods=["GET", "POST"])
@limiter.limit(TRIES, methods=["POST"])
def proof() -> Any:
    """Ask for the password on the way to a page."""
    onward = local_path(request.args.get("next", "")) or url_for("owner.dashboard")
    if request.method == "GET":
        return redirect(onward) if current_user.is_proven(now()) else _page(request.full_path, "", 0)
    error, wait = _proven()
    return _page(request.full_path, error, wait) if error else redirect(onward, 303)


def _page(action: str, error: str, wait: int) -> Any:
    kept = [(name, value) for name, value in request.form.items(multi=True) if name not in (FIELD, "csrf_token")]
    page = render_template(
        "owner/proof.html", action=request.script_root + action, kept=kept, error=error, field_name=FIELD
    )
    answer = make_response(page, 429 if wait else 422 if error else 403 if request.method == "POST" else 200)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _proven() -> tuple[str, int]:
    error, wait = compare(request.form.get(FIELD, ""), "asked for again")
    if not error:
        with transaction() as session:
            accounts.session.prove(session, current_user.session_id, now())
            note(session, marked("password typed again"))
    return error, wait


def compare(typed: str, why: str) -> tuple[str, int]:
    """("", 0) if this is the user's password, else (error message, seconds to wait).

    `why` it was asked for is added to the audit log if it was wrong.
    """
    keys = [(BROWSER, f"session {current_user.session_id}")]
    if wait := take_try(keys):
        return asked_to_wait(wait), wait
    with reading() as looking:  # the slow hash must not hold the writer's lock
        right = owner_in(looking).has_password(typed[:1000])
    with transaction() as session:
        if right:
            accounts.wait.forgive(session, keys)
            return "", 0
        accounts.note(session, owner_in(session), now(), "password refused", why, kept_ip())
    return _("This is not your present password."), 0
