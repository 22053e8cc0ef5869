"""Signing in and out."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask import session as cookie
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from newsletter import accounts
from newsletter.accounts import Owner
from newsletter.web.owner.door import LARGEST_ID, back, door, note
from newsletter.web.owner.forms import SignInForm
from newsletter.web.security import limiter
from newsletter.web.state import client_ip, now, reading, transaction

SIGN_INS = "10 per minute"
manager = LoginManager()
manager.session_protection = "strong"


class SignedIn(UserMixin):
    """Who is signed in, as the cookie knows them: a new password counts the epoch up, and older cookies are over."""

    def __init__(self, owner: Owner) -> None:
        self.owner_id, self.epoch, self.email, self.zone = owner.id, owner.epoch, owner.email, owner.zone

    def get_id(self) -> str:
        """What the cookie holds."""
        return f"{self.owner_id}.{self.epoch}"


@manager.user_loader
def _from_cookie(value: str) -> SignedIn | None:
    id, _, epoch = value.partition(".")
    if not id.isdigit() or int(id) > LARGEST_ID:
        return None
    with reading() as session:
        owner = session.get(Owner, int(id))
        return SignedIn(owner) if owner is not None and str(owner.epoch) == epoch else None


@door.route("/login", methods=["GET", "POST"])
@limiter.limit(SIGN_INS, methods=["POST"])
def login() -> Any:
    """Address and password; both wrong and either wrong answer alike."""
    form = SignInForm()
    if current_user.is_authenticated:
        return redirect(_onward())
    if form.validate_on_submit():
        if _signed_in(form.email.data or "", form.password.data or ""):
            return redirect(_onward(), 303)
        form.password.errors = ["This address and password do not belong together."]
    with reading() as session:
        nobody = accounts.first(session) is None
    return render_template("owner/login.html", form=form, nobody=nobody), 422 if form.errors else 200


def _signed_in(email: str, password: str) -> bool:
    with reading() as looking:  # the slow hash must not hold the one writer's lock
        seen = accounts.sign_in(looking, email, password)
    with transaction() as session:
        if seen is None:
            accounts.note(session, None, now(), "sign-in refused", f"from {client_ip()}")
            return False
        owner = session.get_one(Owner, seen.id)
        if owner.epoch == seen.epoch:
            owner.password_hash = seen.password_hash  # perhaps hashed anew at higher costs
        accounts.note(session, owner, now(), "signed in", f"from {client_ip()}")
        start_session(owner)
    return True


def start_session(owner: Owner) -> None:
    """A fresh cookie for this owner; nothing of an older one is carried over."""
    cookie.clear()
    cookie.permanent = True
    login_user(SignedIn(owner))


def _onward() -> str:
    wanted = request.args.get("next", "")
    # A path of this area and nothing else: another site's page must not be reachable through our sign-in.
    local = wanted.startswith("/owner") and not any(c in wanted for c in "\\\r\n\t")
    return wanted if local else url_for("owner.dashboard")


@door.post("/logout")
def logout() -> Response:
    """Sign out of this browser."""
    with transaction() as session:
        note(session, "signed out")
    logout_user()
    cookie.clear()
    return back("login")
