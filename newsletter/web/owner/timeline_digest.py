"""What the timeline of a person says of a campaign that goes into their weekly mail, and of that mail."""

from typing import Any

from newsletter.mail.ledger import ACCEPTED, UNDER_WAY, Message
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.web.language import _
from newsletter.web.owner.display import local, why_there


def in_digest(entry: tuple[DigestEntry, Message | None] | None) -> tuple[str, ...]:
    """Where a campaign stands that its reader gets in their weekly mail; nothing of one that goes by itself."""
    if entry is None:
        return ()
    its, mail = entry
    if its.reason is not None:
        return (_("It stands in no weekly mail: %(why)s", why=why_there(its.reason)),)
    if mail is None:
        return (_("It waits for the next weekly mail."),)
    if mail.state in ACCEPTED:
        return (_("It stood in the weekly mail that was sent %(when)s.", when=local(mail.settled_at)),)
    if mail.state in UNDER_WAY:
        return (_("It stands in the weekly mail that is queued now."),)
    return (
        _(
            "It stands in the weekly mail of %(when)s; see there what became of that.",
            when=local(mail.settled_at or mail.created_at),
        ),
    )


def digest_of(message: Message) -> list[dict[str, Any]]:
    """The articles of a weekly mail; none of any other mail."""
    return list((message.context or {}).get("digest", ()))
