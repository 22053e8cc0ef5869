"""The story of the address with which somebody of the team signs in: asked for, pressed at the new one, taken back.

Each step locks the person first and then the wish, so two presses, or a press and a removal from the team, come one
after the other. Whether an address is somebody else's already, nobody learns: it only gets no mail.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter import accounts, credentials
from newsletter.accounts import LoginChange, Owner, login_change
from newsletter.accounts.login_change import MOST_A_DAY, PRESS_WITHIN, TAKE_BACK_WITHIN
from newsletter.accounts.one_time import Numbers
from newsletter.accounts.user import OF_TEAM
from newsletter.languages import counted, marked, said
from newsletter.mail import ledger
from newsletter.subscribers import Address, Stream, Suppression, SuppressionReason

LONGEST = 254
"""Characters of an address."""


class Step(StrEnum):
    """What a mail of this story says."""

    PRESS = "press"
    """To the new address: press here."""
    ASKED = "asked"
    """To the earlier one: somebody asked."""
    DONE = "done"
    """To the earlier one: it was done."""


class Stayed(StrEnum):
    """What the press at the earlier address did."""

    STOPPED = "stopped"
    TAKEN_BACK = "taken back"


class NotChanged(ValueError):
    """The address stays; the message says why and what to do."""


class LinkOver(Exception):
    """The link was used, called off, or its time is over; or the address is somebody else's meanwhile."""


def ask(session: Session, owner_id: int, to: Address, now: datetime, *, keys: Sequence[bytes],
        ip: str | None = None) -> None:  # fmt: skip
    """Mail a link to the new address, and tell the present one. `keys`: the product's. Raises NotChanged."""
    owner, email = _locked(session, owner_id), to.email.lower()
    if owner is None or email == owner.email:
        raise NotChanged(said("That is your address already."))
    if any(one.reason is not SuppressionReason.ERASED for one in Suppression.of_address(session, keys, to)):
        raise NotChanged(
            said("%(email)s must not be written to: it bounced, complained, or refused our mail.", email=email)
        )
    if login_change.asked_lately(session, owner_id, now) >= MOST_A_DAY:
        raise NotChanged(
            counted("You asked %(num)s time within a day, which is as often as we write to new addresses. Please wait "
                    "until tomorrow.",
                    "You asked %(num)s times within a day, which is as often as we write to new addresses. Please wait "
                    "until tomorrow.", MOST_A_DAY)
        )  # fmt: skip
    login_change.end_waiting(session, owner_id, now)
    change = LoginChange(owner_id=owner_id, email=email, earlier=owner.email, asked_at=now)
    random = change.fresh()
    session.add(change)
    session.flush()
    numbers: Numbers = (change.id, *random)
    if accounts.find(session, email) is None:
        _mail(session, owner, change, numbers, Step.PRESS, email, now)
    _mail(session, owner, change, numbers, Step.ASKED, owner.email, now)
    accounts.note(session, owner, now, marked("other sign-in address asked for"), email, ip)


def press(session: Session, numbers: tuple[int, ...], now: datetime, *, but: int | None = None,
          ip: str | None = None) -> Owner:  # fmt: skip
    """The press at the new address: they sign in with it from now on. Pressed twice is as good as once.

    `but`: the session of the browser that pressed, which goes on if it is theirs. Raises LinkOver.
    """
    change = _change(session, numbers)
    if change.is_done() and change.owner.email == change.email:
        return change.owner
    if not change.waits(now) or change.owner.email != change.earlier:
        raise LinkOver
    owner, change.done_at = change.owner, now
    _call(session, owner, change.email)
    accounts.session.end_all(session, owner.id, but=but)
    _follow_up(session, owner, f"{change.earlier} → {change.email}, {credentials.Way.LINK}", now, ip)
    _mail(session, owner, change, numbers, Step.DONE, change.earlier, now)
    return owner


def call_off(session: Session, numbers: tuple[int, ...], now: datetime, ip: str | None = None) -> Stayed:
    """The press at the earlier address. Who asked knew the password, so every session ends; where it was done, the
    password lets nobody in any more, and a link to choose one goes to that address. Raises LinkOver."""
    change = _change(session, numbers)
    if not change.can_be_called_off(now):
        raise LinkOver
    owner, was_done = change.owner, change.done_at is not None
    # Also from an address behind that one: whoever moved it twice must not keep it.
    login_change.end_every(session, owner.id, now)
    accounts.session.end_all(session, owner.id)
    accounts.note(session, owner, now, marked("other sign-in address called off"), change.email, ip)
    if not was_done:
        return Stayed.STOPPED
    _call(session, owner, change.earlier)
    owner.password_hash = ""
    _follow_up(session, owner, f"{change.email} → {change.earlier}, {Stayed.TAKEN_BACK}", now, ip)
    credentials.ask_for_reset(session, owner.email, now, ip)
    return Stayed.TAKEN_BACK


def set_by_command(session: Session, owner: Owner, to: Address, now: datetime) -> None:
    """Another address at once, by who runs the server: for somebody whose mail does not work. Raises NotChanged."""
    email, earlier = to.email.lower(), owner.email
    if _locked(session, owner.id) is None or email == earlier:
        raise NotChanged(said("That is your address already."))
    try:
        _call(session, owner, email)
    except LinkOver:
        raise NotChanged(said("%(email)s is in the team already.", email=email)) from None
    login_change.end_every(session, owner.id, now)
    accounts.session.end_all(session, owner.id)
    _follow_up(session, owner, f"{earlier} → {email}, {credentials.Way.COMMAND}", now, None)
    told = {"to": earlier, "step": Step.DONE, "earlier": earlier, "email": email}
    ledger.queue(session, owner, Stream.LOGIN, f"login:command:{now:%Y%m%d%H%M%S%f}", now, context=told)


def open_change(session: Session, numbers: tuple[int, ...]) -> LoginChange:
    """The wish that a link is for, of somebody who is of the team. Raises LinkOver."""
    change = LoginChange.found(session, numbers)
    if change is None or change.owner.removed_at is not None:
        raise LinkOver
    return change


def _locked(session: Session, owner_id: int) -> Owner | None:
    """Somebody of the team, kept to this transaction."""
    look = select(Owner).where(Owner.id == owner_id, OF_TEAM).with_for_update()
    return session.scalars(look.execution_options(populate_existing=True)).first()


def _change(session: Session, numbers: tuple[int, ...]) -> LoginChange:
    """The wish that a link is for, with who has it, both locked. Raises LinkOver."""
    seen = session.get(LoginChange, numbers[0]) if numbers and numbers[0] < 2**63 else None
    if seen is None or _locked(session, seen.owner_id) is None:
        raise LinkOver
    return open_change(session, numbers)


def _call(session: Session, owner: Owner, email: str) -> None:
    """Sign in with this address from now on. Raises LinkOver: somebody else of the team does."""
    gone = select(Owner).where(Owner.email == email, ~OF_TEAM, Owner.id != owner.id).with_for_update()
    for one in session.scalars(gone):
        # The row stays for what they did; no address has a space in it, so this is nobody's.
        one.email = f"{one.email} (removed {one.id})"[:LONGEST]
    try:
        with session.begin_nested():
            session.flush()
            owner.email = email
    except IntegrityError:
        raise LinkOver from None


def _follow_up(session: Session, owner: Owner, detail: str, now: datetime, ip: str | None) -> None:
    """Links that went to the address before are good for nothing any more, and it is written down."""
    accounts.reset.forget_resets(session, owner.id)
    login_change.end_waiting(session, owner.id, now)
    accounts.note(session, owner, now, marked("sign-in address changed"), detail, ip)


def _mail(session: Session, owner: Owner, change: LoginChange, numbers: tuple[int, ...], step: Step, to: str,
          now: datetime) -> None:  # fmt: skip
    within = PRESS_WITHIN if step is not Step.DONE else TAKE_BACK_WITHIN
    told = {"to": to, "step": step, "earlier": change.earlier, "email": change.email, "login": list(numbers),
            "hours": round(within.total_seconds() / 3600)}  # fmt: skip
    ledger.queue(session, owner, Stream.LOGIN, f"login:{change.id}:{step}", now, context=told)
