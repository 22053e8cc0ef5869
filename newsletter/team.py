"""The story of the team: who is invited, comes in, is given another role, and goes; each of them told by mail.

Whoever changes the team must be an owner at that moment, and one owner always remains. So each change locks all owners
first: two owners who take each other's role away at the same time come one after the other.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from newsletter import accounts, brand, credentials
from newsletter.accounts import Invitation, Owner, Role
from newsletter.accounts.invitation import GOOD_FOR
from newsletter.accounts.one_time import Numbers
from newsletter.accounts.second_factor import switch_off
from newsletter.accounts.user import OF_TEAM
from newsletter.languages import marked, said
from newsletter.mail import ledger
from newsletter.mail.notice import notice
from newsletter.subscribers import Address, Stream, Suppression, SuppressionReason

MAY = {
    Role.OWNER: said("You are an owner now: everything here is yours to do, the team and the settings too."),
    Role.EDITOR: said("You are an editor now: you write, send, and change series, guides, forms and people."),
    Role.WRITER: said("You are a writer now: you write and draft campaigns, and ask for approval before they go out."),
    Role.VIEWER: said("You are a viewer now: you see everything here, and change nothing."),
}


class NotChanged(ValueError):
    """The team stays as it is; the message says why and what to do."""


def everybody(session: Session) -> Sequence[Owner]:
    """The team, owners first."""
    rows = session.scalars(select(Owner).where(OF_TEAM).order_by(Owner.id)).all()
    return sorted(rows, key=lambda one: list(Role).index(one.role))


def invited(session: Session) -> Sequence[Invitation]:
    """Who has not come in yet, the newest first."""
    return session.scalars(select(Invitation).order_by(Invitation.sent_at.desc(), Invitation.id.desc())).all()


def invite(session: Session, by_id: int, address: Address, role: Role, now: datetime, *,
           keys: Sequence[bytes]) -> Invitation:  # fmt: skip
    """Ask somebody in. `keys`: the product's, by which suppressed addresses are known. Raises NotChanged."""
    by, email = _owners(session, by_id)[0], address.email.lower()
    if accounts.find(session, email):
        raise NotChanged(said("%(email)s is in the team already: change the role in the list.", email=email))
    if session.scalar(select(Invitation).where(Invitation.email == email)):
        raise NotChanged(said("%(email)s is invited already: send it again, or withdraw it.", email=email))
    if any(one.reason is not SuppressionReason.ERASED for one in Suppression.of_address(session, keys, address)):
        raise NotChanged(
            said("%(email)s must not be written to: it bounced, complained, or refused our mail.", email=email)
        )
    made = Invitation(email=email, role=role, sent_at=now, by_id=by.id)
    session.add(made)
    _send(session, made, by, now)
    accounts.note(session, by, now, marked("invited into the team"), f"{email} as {role}")
    return made


def invite_again(session: Session, by_id: int, id: int, now: datetime) -> Invitation:
    """A new link to the same address; the one before is good for nothing. Raises NotChanged."""
    by, found = _owners(session, by_id)[0], _invitation(session, id)
    if accounts.find(session, found.email):
        raise NotChanged(said("%(email)s is in the team already: change the role in the list.", email=found.email))
    found.by_id = by.id
    _send(session, found, by, now)
    accounts.note(session, by, now, marked("invited again"), f"{found.email} as {found.role}")
    return found


def withdraw(session: Session, by_id: int, id: int, now: datetime) -> str:
    """Its link opens nothing any more; whose it was. Raises NotChanged."""
    by, found = _owners(session, by_id)[0], _invitation(session, id)
    session.delete(found)
    accounts.note(session, by, now, marked("invitation withdrawn"), found.email)
    return found.email


def accept(session: Session, numbers: tuple[int, ...], password: str, now: datetime,
           ip: str | None = None) -> Owner | None:  # fmt: skip
    """Come in. None: the link was used or withdrawn, or its time is over. Raises WeakPassword."""
    found = Invitation.of(session, numbers, now)
    if found is None or accounts.find(session, found.email):
        return None
    by, zone = found.by, brand.current(session).zone
    owner = credentials.add_owner(session, found.email, password, now, zone, found.role)
    session.delete(found)
    accounts.note(session, owner, now, marked("joined the team"), str(owner.role), ip)
    lines = [said("Your invitation was accepted. If you did not expect that, remove them from the team.")]
    title = said("%(email)s has joined the team", email=owner.email)
    _tell(session, by, now, f"joined:{owner.id}", notice(title, lines, said("See the team"), "/owner/team"))
    return owner


def change_role(session: Session, by_id: int, id: int, role: Role, now: datetime) -> Owner:
    """Another role, from that person's next request on. Raises NotChanged."""
    owners = _owners(session, by_id)
    them = _member(session, id)
    if them.role is role:
        raise NotChanged(said("%(email)s has that role already.", email=them.email))
    _insist_on_another_owner(owners, them)
    was, them.role = them.role, role
    accounts.note(session, owners[0], now, marked("role changed"), f"{them.email}: {was} to {role}")
    lines = [MAY[role], said("It was changed by %(email)s.", email=owners[0].email)]
    _tell(session, them, now, "role", notice(said("Your role has changed"), lines, said("Go there"), "/owner/"))
    return them


def remove(session: Session, by_id: int, id: int, now: datetime) -> Owner:
    """Out at once: no session, password, link or code of theirs is good any more. Raises NotChanged."""
    owners = _owners(session, by_id)
    them = _member(session, id)
    _insist_on_another_owner(owners, them)
    them.removed_at, them.password_hash = now, ""
    switch_off(session, them)
    accounts.session.end_all(session, them.id)
    accounts.reset.forget_resets(session, them.id)
    accounts.login_change.end_every(session, them.id, now)
    session.execute(delete(Invitation).where(Invitation.by_id == them.id))
    accounts.note(session, owners[0], now, marked("removed from the team"), them.email)
    lines = [said("You were removed by %(email)s, and signed out everywhere. What you wrote stays.",
                  email=owners[0].email)]  # fmt: skip
    title = said("You are no longer in the team of %(name)s", name=brand.current(session).name)
    _tell(session, them, now, "removed", notice(title, lines, said("Open the site"), "/"))
    return them


def _owners(session: Session, by_id: int) -> list[Owner]:
    """All owners, locked, the one who acts first. Raises NotChanged for somebody who is none (any more)."""
    look = select(Owner).where(OF_TEAM, Owner.role == Role.OWNER).order_by(Owner.id)
    locked = look.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = sorted(session.scalars(locked), key=lambda one: one.id != by_id)
    if not found or found[0].id != by_id:
        raise NotChanged(said("Only an owner can change the team, and you are none any more."))
    return found


def _insist_on_another_owner(owners: Sequence[Owner], them: Owner) -> None:
    if [one.id for one in owners] == [them.id]:
        raise NotChanged(said("One owner must remain: make somebody else an owner first."))


def _member(session: Session, id: int) -> Owner:
    found = session.get(Owner, id, with_for_update={"key_share": True}, populate_existing=True)
    if found is None or found.removed_at is not None:
        raise NotChanged(said("They are not in the team any more."))
    return found


def _invitation(session: Session, id: int) -> Invitation:
    found = session.get(Invitation, id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotChanged(said("That invitation is not there any more: it was used or withdrawn."))
    return found


def _send(session: Session, invitation: Invitation, by: Owner, now: datetime) -> None:
    random = invitation.renew(now)
    session.flush()
    numbers: Numbers = (invitation.id, *random)
    context = {"to": invitation.email, "invitation": list(numbers), "by": by.email, "days": GOOD_FOR.days,
               "role": invitation.role.value}  # fmt: skip
    ledger.queue(session, by, Stream.INVITATION, f"invitation:{numbers[0]}:{now:%Y%m%d%H%M%S%f}", now, context=context)


def _tell(session: Session, whom: Owner, now: datetime, what: str, told: dict[str, object]) -> None:
    ledger.queue(session, whom, Stream.NOTICE, f"{what}:{now:%Y%m%d%H%M%S%f}", now, context=told)
