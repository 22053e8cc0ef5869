"""Role and Permission: what each of the team may do. Each page says what it needs (`web.owner.permissions`)."""

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in the team."""

    OWNER = "owner"
    EDITOR = "editor"
    WRITER = "writer"
    """Writes, and asks for approval: what leaves the house is for others to send."""
    VIEWER = "viewer"


class Permission(StrEnum):
    """What somebody may do."""

    OWN = "own"
    """One's own password, time zone, second factor and sessions."""
    READ = "read"
    """Every page that shows something, but no secret, and no file of people."""
    WRITE = "write"
    """Articles that reach nobody yet, pictures, drafts of campaigns, and tests to oneself."""
    SEND = "send"
    """What goes out or is seen by everybody: campaigns, messages, the archive, and what somebody else asks it for."""
    ARRANGE = "arrange"
    """Series, guides, forms, topics and fields."""
    PEOPLE = "people"
    """Subscribers: change, tag, import, answer what one of them asks for, and do something for many."""
    EXPORT = "export"
    """All people as a file."""
    ERASE = "erase"
    """Many people for good."""
    SETTINGS = "settings"
    """Whose newsletter this is, what it notes, what it refuses, its secrets, and unlocking a copy."""
    TEAM = "team"
    """Who may come in, and what they did here."""


_VIEWER = frozenset({Permission.OWN, Permission.READ})
_WRITER = _VIEWER | {Permission.WRITE}
_EDITOR = _WRITER | {Permission.SEND, Permission.ARRANGE, Permission.PEOPLE}
ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.EDITOR: _EDITOR,
    Role.WRITER: _WRITER,
    Role.VIEWER: _VIEWER,
}


def may(role: Role, permission: Permission) -> bool:
    """Whether this role has this permission."""
    return permission in ALLOWED[role]


def roles_with(permission: Permission) -> tuple[Role, ...]:
    """The roles that have this permission, the one that may most first."""
    return tuple(role for role in Role if may(role, permission))
