"""The pages behind the links mailed to the new and the earlier sign-in address. Opening one changes nothing."""

from typing import Any

from flask import make_response, render_template, request
from flask_login import current_user

from newsletter import login_address
from newsletter.accounts import LoginChange
from newsletter.links import BadLink, Purpose
from newsletter.login_address import LinkOver
from newsletter.web.language import _
from newsletter.web.owner.door import back, door
from newsletter.web.owner.session import is_known
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, runtime, state, transaction

PRESSES = "10 per minute"


@door.route("/address/<token>", methods=["GET", "POST"], endpoint="address_press")
@limiter.limit(PRESSES, methods=["POST"])
def press(token: str) -> Any:
    """Confirm the new address."""
    try:
        numbers = runtime().signer.numbers(Purpose.LOGIN, token)
        if request.method == "GET":
            return _shown("press", numbers)
        here = current_user.session_id if current_user.is_authenticated else None
        with transaction() as session:
            owner = login_address.press(session, numbers, now(), but=here, ip=kept_ip())
    except (BadLink, LinkOver):
        return _over()
    state().trigger.wake()
    if current_user.is_authenticated and current_user.owner_id == owner.id:
        return back("settings", _("You sign in with %(email)s from now on.", email=owner.email), _anchor="address")
    is_known(owner.id)  # a stranger's wrong guesses must not lock out the owner of the mailbox
    return back("login", _("Your sign-in address is %(email)s now. Please sign in with it.", email=owner.email))


@door.route("/address/not-me/<token>", methods=["GET", "POST"], endpoint="address_not_me")
@limiter.limit(PRESSES, methods=["POST"])
def not_me(token: str) -> Any:
    """Cancel or undo a change requested by somebody else."""
    try:
        numbers = runtime().signer.numbers(Purpose.NOT_ME, token)
        if request.method == "GET":
            return _shown("not_me", numbers)
        with transaction() as session:
            done = login_address.call_off(session, numbers, now(), kept_ip())
    except (BadLink, LinkOver):
        return _over()
    state().trigger.wake()
    return _page(done.value)


def _shown(page: str, numbers: tuple[int, ...]) -> Any:
    with reading() as session:
        change = login_address.open_change(session, numbers)
        is_good = change.opens(now()) if page == "press" else change.can_be_called_off(now())
        return _page(page, change) if is_good else _over()


def _over() -> Any:
    return _page("over", status=410)


def _page(page: str, change: LoginChange | None = None, status: int = 200) -> Any:
    answer = make_response(render_template("owner/login_address.html", page=page, change=change), status)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
