"""Signing in and out, and the signed-in user."""

import math
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any

import structlog
from flask import after_this_request, redirect, render_template, request, url_for
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import accounts
from newsletter.accounts import Owner, OwnerSession
from newsletter.accounts.wait import ACCOUNT, BROWSER, CLIENT, Key
from newsletter.languages import marked
from newsletter.links import BadLink, Purpose
from newsletter.web.language import _, ngettext
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.forms import SignInForm
from newsletter.web.owner.passkey_place import can_sign_in, here
from newsletter.web.security import limiter
from newsletter.web.state import client_household, kept_ip, now, reading, runtime, transaction

SIGN_INS = "10 per minute"
KNOWN_FOR = timedelta(days=180)
"""How long a browser is known as an owner's after signing in."""
LOOKS_BY_ITSELF = ("owner.campaign_progress", "owner.import_progress", "owner.bulk_action_progress")
"""Endpoints polled by scripts, which do not count as use of the session."""
HALFWAY = "halfway"
CODE_WITHIN = timedelta(minutes=5)
"""How long a typed password remains valid until the code is typed."""
# Not "cookies": browsers would clear the whole registered domain, and sign the owner out of their blog too.
CLEAR = '"cache", "storage"'
manager = LoginManager()
manager.session_protection = None  # phones change their address; `sessions` ends sessions
log = structlog.get_logger()


class SignedIn(UserMixin):
    """The signed-in user and session."""

    def __init__(self, found: OwnerSession, token: str) -> None:
        self.owner_id, self.email, self.zone = found.owner.id, found.owner.email, found.owner.zone
        self.session_id, self.token, self.is_proven = found.id, token, found.is_proven
        self.role, self.may = found.owner.role, found.owner.may

    def get_id(self) -> str:
        """The value stored in the cookie."""
        return self.token


@manager.user_loader
def _from_cookie(token: str) -> SignedIn | None:
    with reading() as session:
        found = OwnerSession.of(session, token, now())
        if found is None:
            return None
    if not found.is_seen_lately(now()) and request.endpoint not in LOOKS_BY_ITSELF:
        _see(found.id)
    return SignedIn(found, token)


def _see(session_id: int) -> None:
    try:
        with transaction() as session:
            accounts.session.see(session, session_id, now())
    except OperationalError as error:  # a full disk, say: the page itself may still work
        log.warning("a session's last use is not noted", error=type(error).__name__)


@door.route("/login", methods=["GET", "POST"])
@limiter.limit(SIGN_INS, methods=["POST"])
def login() -> Any:
    """Sign in by address and password; the answer does not tell which of them is wrong."""
    form = SignInForm()
    if current_user.is_authenticated:
        return redirect(onward())
    wait = 0
    if form.validate_on_submit():
        email = form.email.data or ""
        keys = counted_as(email)
        wait = take_try(keys)
        owner = None if wait else _with_password(email, form.password.data or "", keys)
        if owner is not None and owner.has_second_factor:
            return to_code(owner)
        if owner is not None:
            return redirect(onward(), 303)
        form.password.errors = [asked_to_wait(wait) if wait else _("This address and password do not belong together.")]
    with reading() as session:
        nobody, place = accounts.first(session) is None, here() if can_sign_in(session) else None
    page = render_template("owner/login.html", form=form, nobody=nobody, place=place)
    return (page, 429, {"Retry-After": str(wait)}) if wait else (page, 422 if form.errors else 200)


def take_try(keys: list[Key]) -> int:
    """Count an attempt under these keys; return 0, or the seconds to wait if it is not allowed yet."""
    with transaction() as session:
        return math.ceil(accounts.wait.take_try(session, keys, now()).total_seconds())


def asked_to_wait(seconds: int) -> str:
    """The message that asks to wait."""
    if seconds < 120:
        return ngettext("There were too many wrong passwords. Please wait %(num)s second, then try again.",
                        "There were too many wrong passwords. Please wait %(num)s seconds, then try again.",
                        seconds)  # fmt: skip
    return ngettext("There were too many wrong passwords. Please wait %(num)s minute, then try again.",
                    "There were too many wrong passwords. Please wait %(num)s minutes, then try again.",
                    math.ceil(seconds / 60))  # fmt: skip


def counted_as(email: str) -> list[Key]:
    """The keys under which an attempt at this account is counted.

    A browser known as this owner's is counted separately, so that strangers cannot lock it out.
    """
    email = email.strip().lower()
    try:
        owner_id, browser = runtime().signer.numbers(Purpose.BROWSER, request.cookies.get(_known_cookie(), ""))
    except BadLink:
        owner_id = 0
    if owner_id:
        with reading() as session:
            owner = accounts.find(session, email)
        if owner is not None and owner.id == owner_id:
            return [(BROWSER, f"browser {browser}")]
    return [(CLIENT, f"client {client_household()}"), (ACCOUNT, f"account {email}")]


def _with_password(email: str, password: str, keys: list[Key]) -> Owner | None:
    """The owner with this address and password, signed in at once unless a second factor follows; None if wrong."""
    with reading() as looking:  # the slow hash must not hold the writer's lock
        seen = accounts.find(looking, email)
        before = seen.password_hash if seen else ""
        right = accounts.sign_in(looking, email, password) is not None
    with transaction() as session:
        owner = session.get(Owner, seen.id, with_for_update=True) if seen else None
        if seen is None or owner is None or not right or (owner.password_hash, owner.email) != (before, seen.email):
            # Changed in between: that ended every session, and must not be followed by one of the old password or
            # address.
            accounts.note(session, owner, now(), "sign-in refused", ip=kept_ip())
            return None
        owner.password_hash = seen.password_hash  # possibly rehashed with a higher cost
        accounts.wait.forgive(session, keys)
        if not owner.has_second_factor:
            sign_in(session, owner)
    return owner


def sign_in(session: Session, owner: Owner, how: str = "") -> None:
    """Sign in an owner after all checks, and remember the browser as theirs."""
    accounts.note(session, owner, now(), "signed in", how, ip=kept_ip())
    start_session(session, owner)
    is_known(owner.id)


def to_code(owner: Owner) -> Response:
    """A redirect to the page for the code. The signed cookie holds who typed which password when."""
    cookie.clear()
    cookie[HALFWAY] = [owner.id, fingerprint(owner), now().timestamp()]
    return redirect(url_for("owner.login_code", next=request.args.get("next") or None), 303)


def halfway() -> tuple[int, str] | None:
    """(owner id, fingerprint) of the password typed in this browser within `CODE_WITHIN`, or None."""
    match cookie.get(HALFWAY):
        case [int(owner_id), str(seen), float(at)] if 0 <= now().timestamp() - at <= CODE_WITHIN.total_seconds():
            return owner_id, seen
    return None


def fingerprint(owner: Owner) -> str:
    """A fingerprint of the password and the app's secret: a change of either invalidates a half-finished sign-in."""
    return sha256(f"{owner.password_hash} {owner.totp_secret}".encode()).hexdigest()[:32]


def start_session(session: Session, owner: Owner) -> None:
    """Start a new session and cookie for this owner, discarding the old one."""
    started, token = OwnerSession.start(session, owner, now(), client=request.user_agent.string, ip=kept_ip())
    cookie.clear()
    cookie.permanent = True
    login_user(SignedIn(started, token))


def _known_cookie() -> str:
    return "__Host-known" if runtime().settings.is_https else "known"


def is_known(owner_id: int) -> None:
    """Remember this browser as the owner's. This grants no access; its attempts are only counted separately."""
    token = runtime().signer.token(Purpose.BROWSER, owner_id, secrets.randbits(64))

    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie(
            _known_cookie(), token, max_age=KNOWN_FOR, secure=runtime().settings.is_https, httponly=True, samesite="Lax"
        )
        return response


def onward() -> str:
    """The page to continue to, within this area."""
    return local_path(request.args.get("next", "")) or url_for("owner.dashboard")


def local_path(wanted: str) -> str:
    """`wanted` if it is a path in this area, else "": we must not redirect to other sites."""
    local = wanted.startswith("/owner") and not any(c in wanted for c in "\\\r\n\t")
    return request.script_root + wanted if local else ""


@door.post("/logout")
def logout() -> Response:
    """Sign out of this browser."""
    with transaction() as session:
        accounts.session.end(session, current_user.owner_id, current_user.session_id)
        note(session, marked("signed out"))
    return signed_out()


def signed_out() -> Response:
    """A redirect to the sign-in page that clears this area's data from the browser."""
    logout_user()
    cookie.clear()
    answer = back("login")
    answer.headers["Clear-Site-Data"] = CLEAR
    return answer
