"""Sign-in with a passkey: alone, as both factors, or as the second factor after the password."""

import math
from typing import Any

from flask import make_response, redirect, request
from flask import session as cookie
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from newsletter import accounts, credentials
from newsletter.accounts import Owner, Passkey, ceremony, passkey
from newsletter.accounts.ceremony import BadPasskey, Signed
from newsletter.accounts.user import OF_TEAM
from newsletter.web.language import lazy, ngettext
from newsletter.web.owner.door import back, door
from newsletter.web.owner.passkey_place import here
from newsletter.web.owner.session import SIGN_INS, counted_as, fingerprint, halfway, onward, sign_in, take_try
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, state, transaction

SIGNING = "passkey"
"""Cookie key of the challenge, and of the id of the only owner who may answer it (0: anybody)."""
BEHIND = "behind"
"""Form field sent by the page after the password, to distinguish it from the first page."""
UNKNOWN = lazy("That passkey lets nobody in here: it was removed, or is of another site. Sign in with your password.")
WRONG = lazy(
    "Your passkey has signed something else than we asked. Nobody was let in: try again, or use your password."
)
COPIED = lazy("That passkey may have been copied, so it lets nobody in. Sign in with your password; a mail says more.")
AGAIN = lazy("That took longer than five minutes, or was sent twice. Press the button again.")
OTHERS = lazy("That passkey belongs to another account. Choose one of yours, or begin anew.")


@door.post("/login/passkey/options", endpoint="login_passkey_options")
@limiter.limit(SIGN_INS)
def options() -> Response:
    """The challenge for the browser as JSON. A list of passkeys is given only after the password."""
    where, half = here(), halfway() if request.form.get(BEHIND) else None
    if where is None:
        return make_response({})
    with transaction() as session:
        owner = session.get(Owner, half[0]) if half else None
        is_theirs = owner is not None and half is not None and fingerprint(owner) == half[1]
        known = [one.credential_id for one in owner.passkeys] if owner and is_theirs else []
        challenge = passkey.new_challenge(session, now())
        asked = ceremony.asked_to_sign(where, challenge, known)
    cookie[SIGNING] = [challenge, half[0] if half else 0]
    return make_response(asked, {"Content-Type": "application/json", "Cache-Control": "private, no-store"})


@door.post("/login/passkey", endpoint="login_passkey")
@limiter.limit(SIGN_INS)
def login() -> Any:
    """Sign in the owner whose passkey signed this browser's challenge."""
    answer = request.form.get("credential", "")
    with reading() as session:  # parses the answer here: importing the library must not hold the writer's lock
        whose = _whose(session, answer)
    keys = counted_as(whose[1] if whose else "")
    if wait := take_try(keys):
        return _back(_wait_told(wait))
    with transaction() as session:
        told = _try(session, answer, whose[0] if whose else 0)
        if not told:
            accounts.wait.forgive(session, keys)
    state().trigger.wake()
    return _back(told) if told else redirect(onward(), 303)


def _whose(session: Session, answer: str) -> tuple[int, str] | None:
    """(id, address) of the team member with this passkey, or None."""
    try:
        id = ceremony.id_of(answer)
    except BadPasskey:
        return None
    look = select(Owner.id, Owner.email).join(Owner.passkeys).where(Passkey.credential_id == id, OF_TEAM)
    row = session.execute(look).first()
    return (row[0], row[1]) if row else None


def _try(session: Session, answer: str, owner_id: int) -> str:
    """Sign in; return an error message, or "". Consumes the challenge either way."""
    where, asked = here(), cookie.pop(SIGNING, None)
    match asked:
        case [str(challenge), int(only)] if where and passkey.take_challenge(session, challenge, now()):
            owner = session.get(Owner, owner_id, with_for_update=True, populate_existing=True) if owner_id else None
            key = _key(owner, answer) if owner else None
            if owner is None or key is None:
                return _refused(session, None, "passkey unknown", UNKNOWN)
            if only and only != owner.id:
                return _refused(session, owner, "passkey of another account", OTHERS)
            try:
                seen = ceremony.signed(where, challenge, answer, key.public_key)
            except BadPasskey:
                return _refused(session, owner, "passkey", WRONG)
            return _judged(session, owner, key, seen)
    return _refused(session, None, "passkey challenge over", AGAIN)


def _key(owner: Owner, answer: str) -> Passkey | None:
    id = ceremony.id_of(answer)
    return next((one for one in owner.passkeys if one.credential_id == id), None)


def _judged(session: Session, owner: Owner, key: Passkey, seen: Signed) -> str:
    if seen.handle and seen.handle != owner.passkey_handle:
        return _refused(session, owner, "passkey of another account", WRONG)
    if key.goes_back(seen.sign_count):
        credentials.suspect_passkey(session, owner, key, now(), kept_ip())
        return str(COPIED)
    key.sign_count, key.used_at = seen.sign_count, now()
    sign_in(session, owner, f"passkey: {key.name}")
    return ""


def _refused(session: Session, owner: Owner | None, why: str, told: str) -> str:
    accounts.note(session, owner, now(), "sign-in refused", why, kept_ip())
    return str(told)


def _back(told: str) -> Response:
    """A redirect to the page they came from, with a message."""
    page = "login_code" if request.form.get(BEHIND) and halfway() else "login"
    return back(page, told, "danger", next=request.args.get("next") or None)


def _wait_told(seconds: int) -> str:
    return ngettext("There were too many tries. Please wait %(num)s minute, then try again.",
                    "There were too many tries. Please wait %(num)s minutes, then try again.",
                    math.ceil(seconds / 60))  # fmt: skip
