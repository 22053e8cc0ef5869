"""Who may sign in to the owner's area, and the record of what they did there."""

from newsletter.accounts.audit import AuditEntry, note
from newsletter.accounts.password import WeakPassword
from newsletter.accounts.user import Owner, create, find, first, sign_in

__all__ = ["AuditEntry", "Owner", "WeakPassword", "create", "find", "first", "note", "sign_in"]
