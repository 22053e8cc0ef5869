"""Notices: mails to the owner about something that needs them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from newsletter import accounts
from newsletter.mail import ledger
from newsletter.subscribers import Stream


def tell_owner(session: Session, now: datetime, *, key: str, title: str, lines: Sequence[str],
               button: str, path: str) -> None:  # fmt: skip
    """Queue a notice to the owner, once for each `key`; nothing where there is no owner yet.

    `button` leads to `path`, a page of the owner's area ("/owner/campaigns").
    """
    owner = accounts.first(session)
    if owner is not None:
        context = {"title": title, "lines": list(lines), "action_label": button, "action_path": path}
        ledger.queue(session, owner, Stream.NOTICE, key, now, context=context)
