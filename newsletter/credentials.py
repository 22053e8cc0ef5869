"""The owner's story with what lets them in: password, app and passkeys, chosen, lost, chosen anew, and told by mail."""

import importlib
import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from newsletter import accounts, brand
from newsletter.accounts import Owner, Passkey, PasswordReset, Role, WeakPassword
from newsletter.accounts.ceremony import NewKey
from newsletter.accounts.reset import GOOD_FOR
from newsletter.accounts.wait import ACCOUNT
from newsletter.languages import said
from newsletter.mail import ledger
from newsletter.mail.notice import notice
from newsletter.subscribers import Stream

LEAST_SCORE = 3
"""Of zxcvbn's 0 to 4: more than 10⁸ guesses by somebody who knows the usual passwords and how people change them."""
_WORD = re.compile(r"\w+")
LOOKED_AT = 64
"""Characters that are judged; what is behind them only makes it better."""


class Way(StrEnum):
    """By which way a password was changed."""

    PAGE = "under Settings"
    LINK = "by the link in a mail"
    COMMAND = "by a command on the server"


def check(password: str, *known: str) -> None:
    """Raise WeakPassword for one that is short, common, like a common one, or made of what everybody knows here."""
    accounts.password.check_strength(password)
    parts = [part for word in known for part in (word, "".join(word.split()), *_WORD.findall(word)) if part]
    if _score(password[:LOOKED_AT], parts) < LEAST_SCORE:
        raise WeakPassword(
            said(
                "This password is too easy to guess: it is a common one, or much like one. "
                "Four unrelated words make a good one."
            )
        )


def _score(password: str, known: list[str]) -> int:
    # Imported here: its lists of words take 12 MB, and passwords are seldom chosen.
    judged = importlib.import_module("zxcvbn").zxcvbn(password, user_inputs=known)
    return int(judged["score"])


def add_owner(session: Session, email: str, password: str, now: datetime, zone: str = "Europe/London",
              role: Role = Role.OWNER) -> Owner:  # fmt: skip
    """Add somebody to the team. Raises WeakPassword."""
    check(password, email, brand.current(session).name)
    return accounts.create(session, email, password, now, zone, role)


def change_password(session: Session, owner: Owner, password: str, now: datetime, *, way: Way,
                    ip: str | None = None) -> None:  # fmt: skip
    """A new password: every session ends, and every link for a reset or to another address, and a mail says so. Raises
    WeakPassword."""
    check(password, owner.email, brand.current(session).name)
    owner.set_password(password)
    accounts.session.end_all(session, owner.id)
    accounts.reset.forget_resets(session, owner.id)
    accounts.login_change.end_waiting(session, owner.id, now)
    accounts.note(session, owner, now, "password changed", way, ip)
    ledger.queue(session, owner, Stream.NOTICE, f"password:{now:%Y%m%d%H%M%S%f}", now, context=_changed(way))


def ask_for_reset(session: Session, email: str, now: datetime, ip: str | None = None) -> bool:
    """Mail a link to the owner with this address. False: there is none, or they have enough links that are still good.

    The caller answers everybody alike.
    """
    owner = accounts.find(session, email)
    numbers = PasswordReset.start(session, owner, now) if owner else None
    if owner is None or numbers is None:
        return False
    accounts.note(session, owner, now, "password reset asked for", ip=ip)
    context = {"reset": list(numbers), "minutes": round(GOOD_FOR.total_seconds() / 60)}
    ledger.queue(session, owner, Stream.RESET, f"reset:{numbers[0]}", now, context=context)
    return True


def reset_password(session: Session, numbers: tuple[int, ...], password: str, now: datetime,
                   ip: str | None = None) -> Owner | None:  # fmt: skip
    """Choose a new password by a link. None: the link was used, or its time is over. Raises WeakPassword."""
    found = PasswordReset.of(session, numbers, now)
    if found is None:
        return None
    owner = found.owner
    change_password(session, owner, password, now, way=Way.LINK, ip=ip)
    accounts.wait.forgive(session, [(ACCOUNT, f"account {owner.email}")])
    return owner


def ask_for_codes(session: Session, owner: Owner, secret: str, step: int, keys: Sequence[bytes], now: datetime,
                  ip: str | None = None) -> list[str]:  # fmt: skip
    """Ask for a code behind the password from now on, and tell the owner by mail; fresh recovery codes.

    `step`: of the code that proved that the app has the secret.
    """
    codes = accounts.second_factor.switch_on(session, owner, secret, step, keys)
    _tell_of_codes(session, owner, said("A second factor was switched on"), "on", now, ip)
    return codes


def ask_for_no_codes(session: Session, owner: Owner, now: datetime, *, way: Way, ip: str | None = None) -> None:
    """Ask for no code of an app any more, and tell the owner by mail."""
    accounts.second_factor.drop_app(session, owner)
    _tell_of_codes(session, owner, said("Your codes of an app were switched off"), f"codes off {way}", now, ip)


def ask_for_password_alone(session: Session, owner: Owner, now: datetime, *, way: Way, ip: str | None = None) -> None:
    """Ask for no code and no passkey any more, and tell the owner by mail."""
    accounts.second_factor.switch_off(session, owner)
    _tell_of_codes(session, owner, said("Your second factor was switched off"), f"off {way}", now, ip)


def add_passkey(session: Session, owner: Owner, made: NewKey, name: str, now: datetime,
                ip: str | None = None) -> list[str]:  # fmt: skip
    """A passkey more, told by mail; recovery codes with the first factor, else []. The owner's row must be locked."""
    is_first = not owner.has_second_factor
    owner.passkeys.append(
        Passkey(credential_id=made.credential_id, public_key=made.public_key, sign_count=made.sign_count,
                rp_id=made.rp_id, name=name, created_at=now)
    )  # fmt: skip
    _tell_of_codes(session, owner, said("A passkey was added: %(name)s", name=name), f"passkey added: {name}", now, ip)
    return accounts.second_factor.new_codes(session, owner) if is_first else []


def remove_passkey(session: Session, owner: Owner, passkey: Passkey, now: datetime, ip: str | None = None) -> None:
    """One passkey less, told by mail. The owner's row must be locked."""
    accounts.second_factor.drop_passkey(session, owner, passkey)
    title = said("A passkey was removed: %(name)s", name=passkey.name)
    _tell_of_codes(session, owner, title, f"passkey removed: {passkey.name}", now, ip)


def suspect_passkey(session: Session, owner: Owner, passkey: Passkey, now: datetime, ip: str | None = None) -> None:
    """Its counter has gone back, so there may be a copy of it: nobody was let in, and the owner is told, once a day."""
    accounts.note(session, owner, now, "sign-in refused", f"passkey counter went back: {passkey.name}", ip)
    lines = [
        said("Somebody tried to sign in with it, and its counter was behind the last one that we saw: two devices may "
             "hold the same key. Nobody was let in."),
        said("If that was you, remove this passkey and add it anew. If it was not, remove it and choose a new password "
             "at once."),
    ]  # fmt: skip
    title = said("A passkey of yours may have been copied: %(name)s", name=passkey.name)
    context = notice(title, lines, said("See your passkeys"), "/owner/passkeys")
    ledger.queue(session, owner, Stream.NOTICE, f"passkey-copied:{passkey.id}:{now:%Y%m%d}", now, context=context)


def _tell_of_codes(session: Session, owner: Owner, title: str, what: str, now: datetime, ip: str | None) -> None:
    accounts.note(session, owner, now, "second factor", what, ip)
    lines = [said("If that was you, there is nothing to do. If it was not, choose a new password at once, and look "
                  "under Settings.")]  # fmt: skip
    if not owner.has_second_factor:
        lines.insert(0, said("Your password alone lets you in now."))
    context = notice(title, lines, said("Choose a new password"), "/owner/forgot")
    ledger.queue(session, owner, Stream.NOTICE, f"second-factor:{now:%Y%m%d%H%M%S%f}", now, context=context)


def note_refused(session: Session, owner: Owner, now: datetime, *, way: Way, ip: str | None = None) -> None:
    """Write down that a new password was tried which is too easy to guess."""
    accounts.note(session, owner, now, "new password refused", f"too easy to guess, {way}", ip)


def _changed(way: Way) -> dict[str, object]:
    lines = [
        said("It was changed %(way)s. Every browser was signed out.", way=way),
        said("If that was you, there is nothing to do. If it was not, choose a new password at once."),
    ]
    return notice(said("Your password was changed"), lines, said("Choose a new password"), "/owner/forgot")
