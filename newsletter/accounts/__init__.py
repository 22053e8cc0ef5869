"""Who may sign in to the owner's area, and the record of what they did there."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.accounts import password, reset, session, wait
from newsletter.accounts.audit import AuditEntry, note
from newsletter.accounts.password import WeakPassword
from newsletter.accounts.reset import PasswordReset
from newsletter.accounts.session import OwnerSession
from newsletter.accounts.user import Owner, create, find, first, sign_in

__all__ = [
    "AuditEntry",
    "Owner",
    "OwnerSession",
    "PasswordReset",
    "WeakPassword",
    "create",
    "find",
    "first",
    "note",
    "password",
    "reset",
    "session",
    "sign_in",
    "sweep",
    "wait",
]


def sweep(database: Session, now: datetime) -> None:
    """Delete sessions, links and counts whose time is over."""
    for kind in (session, reset, wait):
        kind.sweep(database, now)
