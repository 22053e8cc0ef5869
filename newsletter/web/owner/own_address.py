"""A change of sign-in address, requested under Settings with the password and the second factor, if set."""

from typing import Any

from flask_login import current_user
from sqlalchemy.orm import Session

from newsletter import accounts, login_address
from newsletter.accounts import Owner, second_factor
from newsletter.accounts.second_factor import WRONG_CODES
from newsletter.login_address import NotChanged
from newsletter.subscribers import read_address
from newsletter.web.language import _, in_words
from newsletter.web.owner.address_form import AddressForm
from newsletter.web.owner.door import back, door, owner_in
from newsletter.web.owner.proof import compare
from newsletter.web.owner.second_factor import WRONG, wrong_codes_wait
from newsletter.web.owner.session import take_try
from newsletter.web.owner.settings import page
from newsletter.web.security import limiter
from newsletter.web.state import kept_ip, now, reading, runtime, state, transaction


class _WrongCode(Exception):
    """The second factor was wrong; rolls the transaction back."""


@door.post("/settings/address", endpoint="settings_address")
@limiter.limit("10 per minute")
def ask() -> Any:
    """Mail a link to the new address. The page is the same if somebody already uses it."""
    form = AddressForm()
    wait = _proven(form) if form.validate() else 0
    if not form.errors:
        try:
            with transaction() as session:
                _spend_code(session, form)
                to = read_address(form.email.data or "")
                login_address.ask(session, current_user.owner_id, to, now(), keys=runtime().secrets, ip=kept_ip())
        except NotChanged as error:
            form.email.errors = [in_words(error)]
        except _WrongCode:
            form.code.errors = [str(WRONG)]
            with transaction() as session:
                accounts.note(session, owner_in(session), now(), "code refused", "for another address", kept_ip())
    if form.errors:
        with reading() as session:
            seen, code = page(session, address_form=form)
        return (seen, 429, {"Retry-After": str(wait)}) if wait else (seen, code)
    state().trigger.wake()
    return back("settings", _told(form), "info", _anchor="address")


def _told(form: AddressForm) -> str:
    return _(
        "If nobody of the team has %(email)s, a mail with a link is on its way there; it works once, for 24 hours. "
        "Until you press there nothing changes. Nothing comes? Look into the junk folder, or run “newsletter owner "
        "change-address” on the server.",
        email=form.email.data,
    )


def _proven(form: AddressForm) -> int:
    """Add errors to the form's fields; return the seconds until the next attempt is allowed."""
    error, wait = compare(form.old.data or "", "for another address")
    if error:
        form.old.errors = [error]
        return wait
    with reading() as session:
        if not owner_in(session).has_second_factor:
            return 0
    if wait := take_try([(WRONG_CODES, f"code {current_user.owner_id}")]):
        form.code.errors = [wrong_codes_wait(wait)]
    return wait


def _spend_code(session: Session, form: AddressForm) -> None:
    """Consume the code, if one is required. Raises _WrongCode."""
    owner = session.get_one(Owner, current_user.owner_id, with_for_update=True)
    if not owner.has_second_factor:
        return
    if not second_factor.accept(session, owner, form.code.data or "", runtime().secrets, now()):
        raise _WrongCode
    accounts.wait.forgive(session, [(WRONG_CODES, f"code {owner.id}")])
