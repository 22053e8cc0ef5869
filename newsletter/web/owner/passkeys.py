"""One's own passkeys: lists, adds and removes them."""

from typing import Any

from flask import make_response, render_template, request
from flask import session as cookie
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from newsletter import accounts, brand, characters, credentials
from newsletter.accounts import Owner, Passkey, ceremony, passkey
from newsletter.accounts.ceremony import BadPasskey, NewKey
from newsletter.web.language import _, lazy
from newsletter.web.owner.door import back, door, owner_in
from newsletter.web.owner.passkey_place import here, hindrance
from newsletter.web.owner.proof import asks_password
from newsletter.web.owner.second_factor import codes_page
from newsletter.web.owner.session import SIGN_INS
from newsletter.web.owner.sessions import browser_named
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, state, transaction
from newsletter.web.typed_form import TypedForm

MAKING = "passkey_new"
"""Cookie key of the challenge and its session."""
AGAIN = lazy("That took longer than five minutes, or was sent twice. Nothing was added: press the button again.")


class PasskeyForm(TypedForm):
    """A passkey's name, and the browser's answer."""

    name = StringField(
        lazy("A name for it"),
        [DataRequired(lazy("Please give it a name, such as the device that keeps it.")),
         Length(max=passkey.LONGEST_NAME, message=lazy("A name has at most %(max)d characters."))],
        filters=[characters.line],
    )  # fmt: skip
    credential = HiddenField()


@door.get("/passkeys", endpoint="passkeys")
@asks_password
def show() -> Any:
    """List one's own passkeys, with a form to add one."""
    with reading() as session:
        return _page(session, PasskeyForm(formdata=None, name=browser_named(request.user_agent.string)))


def _page(session: Session, form: PasskeyForm) -> Any:
    page = render_template(
        "owner/passkeys.html", passkeys=owner_in(session).passkeys, form=form, place=here(), hindrance=hindrance(),
        is_first=not owner_in(session).has_second_factor, most=passkey.MOST, longest=passkey.LONGEST_NAME,
    )  # fmt: skip
    return page, 422 if form.errors else 200


@door.post("/passkeys/options", endpoint="passkey_options")
@limiter.limit(SIGN_INS)
@asks_password
def options() -> Response:
    """The options for creating a passkey, as JSON for the browser."""
    where = here()
    if where is None:
        return make_response({})
    with transaction() as session:
        owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
        challenge = passkey.new_challenge(session, now())
        asked = ceremony.asked_to_make(
            where, challenge, site=brand.current(session).name, email=owner.email, handle=owner.handle(),
            known=[one.credential_id for one in owner.passkeys],
        )  # fmt: skip
    cookie[MAKING] = [challenge, current_user.session_id]
    return make_response(asked, {"Content-Type": "application/json", "Cache-Control": "private, no-store"})


@door.post("/passkeys/add", endpoint="passkey_add")
@asks_password
def add() -> Any:
    """Store the passkey that the browser made. A refused name does not consume the challenge."""
    form = PasskeyForm()
    if not form.validate():
        with reading() as session:
            return _page(session, form)
    if not form.credential.data:
        return back("passkeys", _("This needs a browser that runs JavaScript. Nothing was added."), "info")
    made = _made(form.credential.data)
    if isinstance(made, str):
        return back("passkeys", made, "danger")
    with transaction() as session:
        owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
        if told := _refusal(session, owner, made):
            return back("passkeys", told, "info")
        codes = credentials.add_passkey(session, owner, made, form.name.data or "", now(), kept_ip())
        if codes:
            accounts.session.end_all(session, owner.id, but=current_user.session_id)
    state().trigger.wake()
    told = _("Added: %(name)s. A mail tells you.", name=form.name.data)
    return codes_page(codes) if codes else back("passkeys", told)


def _made(answer: str) -> NewKey | str:
    """The passkey made for this session's challenge, or an error message."""
    where = here()
    match cookie.pop(MAKING, None):
        case [str(challenge), int(session_id)] if where and session_id == current_user.session_id:
            with transaction() as session:
                is_good = passkey.take_challenge(session, challenge, now())
            if is_good:
                try:
                    return ceremony.made(where, challenge, answer)
                except BadPasskey:
                    return _("What your browser sent is no passkey for this site. Nothing was added: try it again, "
                             "perhaps with another device.")  # fmt: skip
    return str(AGAIN)


def _refusal(session: Session, owner: Owner, made: NewKey) -> str:
    if len(owner.passkeys) >= passkey.MOST:
        return _("You have %(most)s passkeys: remove one first.", most=passkey.MOST)
    known = session.scalar(select(Passkey.id).where(Passkey.credential_id == made.credential_id))
    return _("This passkey is known here already. Nothing was added.") if known else ""


@door.post("/passkeys/<row:id>/remove", endpoint="passkey_remove")
@asks_password
def remove(id: int) -> Response:
    """Remove a passkey, and sign out everybody who may have used it."""
    with transaction() as session:
        owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
        found = next((one for one in owner.passkeys if one.id == id), None)
        if found is None:
            return back("passkeys", _("That passkey is not there any more."), "info")
        credentials.remove_passkey(session, owner, found, now(), kept_ip())
        accounts.session.end_all(session, owner.id, but=current_user.session_id)
        is_last, name = not owner.has_second_factor, found.name
    state().trigger.wake()
    if is_last:
        told = _("Removed: %(name)s. That was your last second factor: your password alone lets you in now.", name=name)
        return back("passkeys", told, "warning")
    return back("passkeys", _("Removed: %(name)s. Every other browser is signed out.", name=name))
