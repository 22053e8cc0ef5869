"""Timeline texts for campaigns in a person's weekly mail, and for that mail."""

from typing import Any

from newsletter.mail.ledger import ACCEPTED, UNDER_WAY, Message
from newsletter.mail.ledger.digest import DigestEntry
from newsletter.web.language import _
from newsletter.web.owner.display import local, why_there


def in_digest(entry: tuple[DigestEntry, Message | None] | None) -> tuple[str, ...]:
    """The state of a campaign in a weekly mail; nothing for one sent by itself."""
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
    """The articles of a weekly mail; none for other mails."""
    return list((message.context or {}).get("digest", ()))
