"""Who may sign in to the owner's area, and the record of what they did there."""

from datetime import datetime

from sqlalchemy.orm import Session

from newsletter.accounts import (
    audit,
    ceremony,
    invitation,
    login_change,
    passkey,
    password,
    reset,
    second_factor,
    session,
    wait,
)
from newsletter.accounts.audit import AuditEntry, Changes, differing, last_noted, note
from newsletter.accounts.invitation import Invitation
from newsletter.accounts.login_change import LoginChange
from newsletter.accounts.passkey import Passkey
from newsletter.accounts.password import WeakPassword
from newsletter.accounts.permissions import Permission, Role, roles_with
from newsletter.accounts.reset import PasswordReset
from newsletter.accounts.session import OwnerSession
from newsletter.accounts.user import Owner, create, find, first, owners, sign_in, with_permission

__all__ = [
    "AuditEntry",
    "Changes",
    "Invitation",
    "LoginChange",
    "Owner",
    "OwnerSession",
    "Passkey",
    "PasswordReset",
    "Permission",
    "Role",
    "WeakPassword",
    "audit",
    "ceremony",
    "create",
    "differing",
    "find",
    "first",
    "forget_ips",
    "invitation",
    "last_noted",
    "login_change",
    "note",
    "owners",
    "passkey",
    "password",
    "reset",
    "roles_with",
    "second_factor",
    "session",
    "sign_in",
    "sweep",
    "wait",
    "with_permission",
]


def forget_ips(database: Session, before: datetime) -> None:
    """Clear the IP addresses of sign-ins and audit entries older than `before`."""
    for kind in (audit, session):
        kind.forget_ips(database, before)


def sweep(database: Session, now: datetime) -> None:
    """Delete expired sessions, links and failure counts."""
    for kind in (session, reset, invitation, login_change, wait, passkey):
        kind.sweep(database, now)
