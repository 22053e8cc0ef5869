"""Notices: mails to owners about something that needs their attention."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from newsletter import accounts
from newsletter.languages import Language, packed
from newsletter.mail import ledger
from newsletter.subscribers import Stream


def tell_owners(session: Session, now: datetime, *, key: str, title: str, lines: Sequence[str],
                button: str, path: str) -> None:  # fmt: skip
    """Queue a notice to each owner, once for each `key`.

    `button` leads to `path`, a page of the owner's area ("/owner/campaigns").
    """
    for owner in accounts.owners(session):
        ledger.queue(session, owner, Stream.NOTICE, key, now, context=notice(title, lines, button, path))


def notice(title: str, lines: Sequence[str], button: str, path: str) -> dict[str, Any]:
    """A notice's context: its text in English, and the parts to say it in another language."""
    told = {"title": packed(title), "lines": [packed(one) for one in lines], "action_label": packed(button)}
    return {"title": title, "lines": list(lines), "action_label": button, "action_path": path, "told": told}


def in_language(context: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A notice's context in a language; unmarked text stays as it is."""
    made = {**context, **context.get("told", {})}
    lines = [language.told(one) for one in made["lines"]]
    return {**made, "title": language.told(made["title"]), "lines": lines,
            "action_label": language.told(made["action_label"])}  # fmt: skip
