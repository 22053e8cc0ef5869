"""Whether passkeys can be had at the address of this site, and at the one at which a page is open."""

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.accounts import Passkey, ceremony
from newsletter.accounts.ceremony import LOCAL, NoPlace, Place
from newsletter.networks import host_name
from newsletter.web.state import runtime

ELSEWHERE = "elsewhere"


def here() -> Place | None:
    """Where passkeys of this site belong; None: no browser makes one for its address."""
    found = ceremony.place(runtime().settings.site)
    return found if isinstance(found, Place) else None


def hindrance() -> str:
    """Why there can be none at the address at which this page is open, as a code; "" if there can."""
    found = ceremony.place(runtime().settings.site)
    if isinstance(found, NoPlace):
        return found.value
    return ELSEWHERE if found.rp_id == LOCAL and host_name(request.host) != LOCAL else ""


def can_sign_in(session: Session) -> bool:
    """Whether the sign-in page offers it: somebody has a passkey for the address of this site."""
    where = here()
    look = select(Passkey.id).where(Passkey.rp_id == where.rp_id).limit(1) if where else None
    return look is not None and session.scalar(look) is not None
