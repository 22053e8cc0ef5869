"""Checks whether passkeys work at this site's address, and at the address of the open page."""

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.accounts import Passkey, ceremony
from newsletter.accounts.ceremony import LOCAL, NoPlace, Place
from newsletter.networks import host_name
from newsletter.web.state import runtime

ELSEWHERE = "elsewhere"


def here() -> Place | None:
    """The place to which passkeys of this site belong; None if no browser makes one for its address."""
    found = ceremony.place(runtime().settings.site)
    return found if isinstance(found, Place) else None


def hindrance() -> str:
    """Why passkeys do not work at the address of this page, as a code; "" if they do."""
    found = ceremony.place(runtime().settings.site)
    if isinstance(found, NoPlace):
        return found.value
    return ELSEWHERE if found.rp_id == LOCAL and host_name(request.host) != LOCAL else ""


def can_sign_in(session: Session) -> bool:
    """Whether the sign-in page offers passkeys: somebody has one for this site's address."""
    where = here()
    look = select(Passkey.id).where(Passkey.rp_id == where.rp_id).limit(1) if where else None
    return look is not None and session.scalar(look) is not None
