"""The second factor: asked for after the password, switched on and off, with recovery codes."""

import math
from io import BytesIO
from typing import Any

import segno
from flask import make_response, redirect, render_template, request, url_for
from flask import session as cookie
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response

from newsletter import accounts, brand, credentials
from newsletter.accounts import Owner, second_factor
from newsletter.accounts.second_factor import WRONG_CODES
from newsletter.accounts.wait import Key
from newsletter.credentials import Way
from newsletter.languages import marked
from newsletter.web.language import _, lazy, ngettext
from newsletter.web.owner.door import back, door, note, owner_in
from newsletter.web.owner.passkey_place import here
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.session import HALFWAY, SIGN_INS, fingerprint, halfway, onward, sign_in, take_try
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, runtime, state, transaction

LONGEST_CODE = 40
WRONG = lazy("That code is not right, or it was used already. Wait for the next one, and type it.")


@door.route("/login/code", methods=["GET", "POST"])
@limiter.limit(SIGN_INS, methods=["POST"])
def login_code() -> Any:
    """Ask for the code after the password."""
    half = halfway()
    if current_user.is_authenticated or half is None:
        return redirect(onward() if current_user.is_authenticated else url_for("owner.login"))
    if request.method == "GET":
        return _code_page("")
    keys: list[Key] = [(WRONG_CODES, f"code {half[0]}")]
    if wait := take_try(keys):
        return _code_page(wrong_codes_wait(wait), wait)
    with transaction() as session:
        owner = session.get(Owner, half[0], with_for_update=True)
        if owner is None or fingerprint(owner) != half[1]:
            cookie.pop(HALFWAY, None)
            return back("login", _("Something of your sign-in has changed meanwhile. Please begin anew."), "info")
        if second_factor.accept(session, owner, _typed(), runtime().secrets, now()):
            accounts.wait.forgive(session, keys)
            sign_in(session, owner)
            return redirect(onward(), 303)
        accounts.note(session, owner, now(), "sign-in refused", "wrong code", kept_ip())
    return _code_page(WRONG)


def _typed() -> str:
    return request.form.get("code", "")[:LONGEST_CODE]


def wrong_codes_wait(seconds: int) -> str:
    """The message to somebody who has to wait."""
    if seconds < 120:
        return ngettext("There were too many wrong codes. Please wait %(num)s second, then try again.",
                        "There were too many wrong codes. Please wait %(num)s seconds, then try again.",
                        seconds)  # fmt: skip
    return ngettext("There were too many wrong codes. Please wait %(num)s minute, then try again.",
                    "There were too many wrong codes. Please wait %(num)s minutes, then try again.",
                    math.ceil(seconds / 60))  # fmt: skip


def _code_page(error: str, wait: int = 0) -> Any:
    half = halfway()
    with reading() as session:
        owner = session.get(Owner, half[0]) if half else None
        page = render_template("owner/login_code.html", error=error, owner=owner, place=here())
    return (page, 429, {"Retry-After": str(wait)}) if wait else (page, 422 if error else 200)


@door.get("/second-factor", endpoint="second_factor")
@asks_password
def show() -> Any:
    """Show its state; if it is off, with a new secret for the app."""
    return _page(second_factor.new_secret())


@door.post("/second-factor/on", endpoint="second_factor_on")
@asks_password
def switch_on() -> Any:
    """Switch it on; the code proves that the app has the secret."""
    secret = second_factor.opened(request.form.get("secret", "")[:400], runtime().secrets)
    step = second_factor.step_of(secret, _typed(), now()) if secret else None
    if secret is None or step is None:
        told = _("That code does not belong to this secret. Is the phone's clock right? Type the one it shows now.")
        return _page(secret or second_factor.new_secret(), told)
    with transaction() as session:
        owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
        if owner.has_app:
            return back("second_factor", _("It is switched on already."), "info")
        codes = credentials.ask_for_codes(session, owner, secret, step, runtime().secrets, now(), kept_ip())
        accounts.session.end_all(session, owner.id, but=current_user.session_id)
    state().trigger.wake()
    return codes_page(codes)


@door.post("/second-factor/off", endpoint="second_factor_off")
@asks_password
def switch_off() -> Response:
    """Stop asking for an app's code: after the password comes a passkey, if there is one, else nothing."""
    with transaction() as session:
        owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
        was_on = owner.has_app
        if was_on:
            credentials.ask_for_no_codes(session, owner, now(), way=Way.PAGE, ip=kept_ip())
        has_passkey = owner.has_second_factor
    state().trigger.wake()
    if not was_on:
        return back("second_factor", _("It was off already."), "info")
    if has_passkey:
        return back("second_factor", _("Switched off: behind the password we ask for your passkey."))
    return back("second_factor", _("Switched off: the password alone lets you in."))


@door.post("/second-factor/codes", endpoint="second_factor_codes")
@asks_password
def codes() -> Any:
    """Replace the recovery codes."""
    with transaction() as session:
        owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
        if not owner.has_second_factor:
            return back("second_factor", _("Switch the second factor on first."), "info")
        made = second_factor.new_codes(session, owner)
        note(session, marked("recovery codes made anew"))
    return codes_page(made)


def _page(secret: str, error: str = "") -> Any:
    with reading() as session:
        owner = owner_in(session)
        address = second_factor.address(secret, owner.email, brand.current(session).name)
        page = render_template(
            "owner/second_factor.html", owner=owner, left=second_factor.codes_left(session, owner),
            secret=secret, kept=second_factor.sealed(secret, runtime().secrets), drawn=_drawn(address), error=error,
            codes=[],
        )  # fmt: skip
    return _unkept(page, 422 if error else 200)


def codes_page(made: list[str]) -> Any:
    """The page of new recovery codes, which are never shown again."""
    return _unkept(render_template("owner/second_factor.html", codes=made), 200)


def _unkept(page: str, status: int) -> Any:
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _drawn(address: str) -> Markup:
    """The QR code as SVG, always black on white, because cameras need that."""
    out = BytesIO()
    segno.make(address, micro=False).save(
        out, kind="svg", scale=4, border=4, light="#fff", xmldecl=False, svgns=True, omitsize=False, nl=False
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - made here, of squares
