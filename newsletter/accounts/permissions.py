"""Role and Permission: who in the team may do what. Each page names what it needs (`web.owner.permissions`)."""

from enum import StrEnum


class Role(StrEnum):
    """A team member's role."""

    OWNER = "owner"
    EDITOR = "editor"
    WRITER = "writer"
    """Writes and asks for approval; somebody else sends."""
    VIEWER = "viewer"


class Permission(StrEnum):
    """What a role may do."""

    OWN = "own"
    """One's own password, time zone, second factor and sessions."""
    READ = "read"
    """Every page that only shows; no secrets, no export of subscribers."""
    WRITE = "write"
    """Unpublished articles, pictures, draft campaigns, and test mails to oneself."""
    SEND = "send"
    """What goes out or becomes public: campaigns, messages, the archive, and what others ask approval for."""
    ARRANGE = "arrange"
    """Series, guides, forms, topics and fields."""
    PEOPLE = "people"
    """Subscribers: edit, tag, import, answer one's request, and bulk actions."""
    EXPORT = "export"
    """All subscribers as a file."""
    ERASE = "erase"
    """Permanently erase many people at once."""
    SETTINGS = "settings"
    """The brand, what is recorded, what is refused, secrets, and unlocking a copy."""
    TEAM = "team"
    """Who is in the team, and the audit log."""


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
    """The roles that have this permission, the most powerful first."""
    return tuple(role for role in Role if may(role, permission))
