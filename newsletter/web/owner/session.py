"""Signing in and out, and who is signed in."""

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
"""How long a browser in which an owner has signed in is known as theirs."""
LOOKS_BY_ITSELF = ("owner.campaign_progress", "owner.import_progress", "owner.bulk_action_progress")
"""What a page asks for every second with nobody there: that is no use of the session."""
HALFWAY = "halfway"
CODE_WITHIN = timedelta(minutes=5)
"""How long a password that was just typed waits for its code."""
# Not "cookies": a browser would delete those of the whole registered domain, and sign the owner out of their blog too.
CLEAR = '"cache", "storage"'
manager = LoginManager()
manager.session_protection = None  # a phone changes its address on the way; what ends a session is in `sessions`
log = structlog.get_logger()


class SignedIn(UserMixin):
    """Who is signed in, and in which session."""

    def __init__(self, found: OwnerSession, token: str) -> None:
        self.owner_id, self.email, self.zone = found.owner.id, found.owner.email, found.owner.zone
        self.session_id, self.token, self.is_proven = found.id, token, found.is_proven
        self.role, self.may = found.owner.role, found.owner.may

    def get_id(self) -> str:
        """What the cookie holds."""
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
    except OperationalError as error:  # a full disk, say: the page itself may do without
        log.warning("a session's last use is not noted", error=type(error).__name__)


@door.route("/login", methods=["GET", "POST"])
@limiter.limit(SIGN_INS, methods=["POST"])
def login() -> Any:
    """Address and password; both wrong and either wrong answer alike."""
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
    """Count a try at a password under these names; or how many seconds it has to wait."""
    with transaction() as session:
        return math.ceil(accounts.wait.take_try(session, keys, now()).total_seconds())


def asked_to_wait(seconds: int) -> str:
    """The sentence for it."""
    if seconds < 120:
        return ngettext("There were too many wrong passwords. Please wait %(num)s second, then try again.",
                        "There were too many wrong passwords. Please wait %(num)s seconds, then try again.",
                        seconds)  # fmt: skip
    return ngettext("There were too many wrong passwords. Please wait %(num)s minute, then try again.",
                    "There were too many wrong passwords. Please wait %(num)s minutes, then try again.",
                    math.ceil(seconds / 60))  # fmt: skip


def counted_as(email: str) -> list[Key]:
    """Under which names a try at this account is counted.

    A browser that is known as this owner's is counted by itself: strangers cannot make it wait.
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
    """Who this is. They are signed in with it, unless a code is asked for behind the password."""
    with reading() as looking:  # the slow hash must not hold the one writer's lock
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
        owner.password_hash = seen.password_hash  # perhaps hashed anew at higher costs
        accounts.wait.forgive(session, keys)
        if not owner.has_second_factor:
            sign_in(session, owner)
    return owner


def sign_in(session: Session, owner: Owner, how: str = "") -> None:
    """Everything was right: a session in this browser, which is known as theirs from now on."""
    accounts.note(session, owner, now(), "signed in", how, ip=kept_ip())
    start_session(session, owner)
    is_known(owner.id)


def to_code(owner: Owner) -> Response:
    """To the page that asks for the code. The cookie, which is signed, holds who typed which password, and when."""
    cookie.clear()
    cookie[HALFWAY] = [owner.id, fingerprint(owner), now().timestamp()]
    return redirect(url_for("owner.login_code", next=request.args.get("next") or None), 303)


def halfway() -> tuple[int, str] | None:
    """Who has typed their password in this browser in the last minutes, and a fingerprint of that."""
    match cookie.get(HALFWAY):
        case [int(owner_id), str(seen), float(at)] if 0 <= now().timestamp() - at <= CODE_WITHIN.total_seconds():
            return owner_id, seen
    return None


def fingerprint(owner: Owner) -> str:
    """Changes with the password and with the second factor: half a sign-in does not outlive either."""
    return sha256(f"{owner.password_hash} {owner.totp_secret}".encode()).hexdigest()[:32]


def start_session(session: Session, owner: Owner) -> None:
    """A fresh session and cookie for this owner; nothing of an older one is carried over."""
    started, token = OwnerSession.start(session, owner, now(), client=request.user_agent.string, ip=kept_ip())
    cookie.clear()
    cookie.permanent = True
    login_user(SignedIn(started, token))


def _known_cookie() -> str:
    return "__Host-known" if runtime().settings.is_https else "known"


def is_known(owner_id: int) -> None:
    """Remember this browser as one of the owner's. It opens nothing; it is only counted by itself."""
    token = runtime().signer.token(Purpose.BROWSER, owner_id, secrets.randbits(64))

    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie(
            _known_cookie(), token, max_age=KNOWN_FOR, secure=runtime().settings.is_https, httponly=True, samesite="Lax"
        )
        return response


def onward() -> str:
    """Where they wanted to go, within this area."""
    return local_path(request.args.get("next", "")) or url_for("owner.dashboard")


def local_path(wanted: str) -> str:
    """A path of this area, else "": another site's page must not be reachable through ours."""
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
    """To the sign-in page, with nothing of this area left in the browser."""
    logout_user()
    cookie.clear()
    answer = back("login")
    answer.headers["Clear-Site-Data"] = CLEAR
    return answer
