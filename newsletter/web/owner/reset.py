"""Forgotten passwords: mails a link, with which to choose a new one."""

from datetime import timedelta
from typing import Any

from flask import make_response, render_template

from newsletter import credentials
from newsletter.accounts import PasswordReset, WeakPassword
from newsletter.accounts.wait import Patience
from newsletter.credentials import Way
from newsletter.links import BadLink, Purpose
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door
from newsletter.web.owner.forms import ForgotForm, NewPasswordForm
from newsletter.web.owner.session import is_known, take_try
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, runtime, state, transaction

ASKED = Patience(free=3, longest=timedelta(minutes=30))
"""How often a link is sent to one address. Waits no longer than a link is valid, as strangers may request links too."""
ON_ITS_WAY = lazy(
    "If an owner has this address, a mail with a link is on its way. It works once, for 30 minutes. "
    "Nothing comes? Look into the junk folder, or run “newsletter owner reset-password” on the server."
)


@door.route("/forgot", methods=["GET", "POST"])
@limiter.limit("5 per minute", methods=["POST"])
def forgot() -> Any:
    """Request a link. Everybody gets the same answer."""
    form = ForgotForm()
    if not form.validate_on_submit():
        return render_template("owner/forgot.html", form=form, over=False), 422 if form.errors else 200
    email = (form.email.data or "").strip().lower()
    if not take_try([(ASKED, f"reset {email}")]):
        with transaction() as session:
            credentials.ask_for_reset(session, email, now(), kept_ip())
    state().trigger.wake()
    return back("login", ON_ITS_WAY, "info")


@door.route("/reset/<token>", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def reset(token: str) -> Any:
    """Choose a new password. Opening the page does not consume the link."""
    try:
        numbers = runtime().signer.numbers(Purpose.RESET, token)
    except BadLink:
        return _over()
    with reading() as session:
        if PasswordReset.of(session, numbers, now()) is None:
            return _over()
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            with transaction() as session:
                owner = credentials.reset_password(session, numbers, form.new.data or "", now(), ip=kept_ip())
        except WeakPassword as error:
            form.new.errors = [in_words(error)]
            with transaction() as session:
                found = PasswordReset.of(session, numbers, now())
                if found is not None:
                    credentials.note_refused(session, found.owner, now(), way=Way.LINK, ip=kept_ip())
        else:
            return _done(owner.id) if owner else _over()
    answer = make_response(render_template("owner/reset.html", form=form), 422 if form.errors else 200)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _done(owner_id: int) -> Any:
    is_known(owner_id)  # a stranger's wrong guesses must not lock out the owner of the mailbox
    state().trigger.wake()
    return back("login", _("Your password is changed. Please sign in with it."))


def _over() -> Any:
    form = ForgotForm(formdata=None)
    return render_template("owner/forgot.html", form=form, over=True), 410
