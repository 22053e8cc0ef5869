"""Links from entries of the audit log to what they are about, if it still exists."""

import re
from collections.abc import Collection, Sequence

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.accounts import AuditEntry
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.db import Base
from newsletter.feeds import Feed
from newsletter.forms import Form
from newsletter.imports.record import Import
from newsletter.mail_words import OwnMail
from newsletter.sequences import Sequence as Series
from newsletter.subscribers import Subscriber
from newsletter.subscribers.segments import SavedSegment
from newsletter.web.owner.permissions import may

_NUMBERED: Sequence[tuple[str, type[Base], str]] = (
    ("article ", Article, "article"), ("campaign ", Campaign, "campaign"), ("A/B", Campaign, "campaign"),
    ("approval ", Campaign, "campaign"), ("test sent", Article, "article"), ("segment ", SavedSegment, "segment"),
    ("subscriber ", Subscriber, "subscriber"),
    ("confirmation sent again", Subscriber, "subscriber"), ("import ", Import, "import_one"), ("feed ", Feed, "feed"),
)  # fmt: skip
"""(beginning of the action, table whose id begins the detail, endpoint of a row's page)."""
_SLUGGED: Sequence[tuple[str, type[Form] | type[Series], str]] = (
    ("form ", Form, "form"), ("series on", Series, "series"), ("series off", Series, "series"),
    ("step ", Series, "series"),
)  # fmt: skip
"""The same for details that begin with a slug."""
_PAGES = (
    ("brand saved", "settings", "brand"), ("own zone saved", "settings", "zone"), ("clicks ", "settings", "clicks"),
    ("theme ", "theme", ""), ("privacy", "privacy", ""), ("guide", "guides", ""), ("topic ", "topics", ""),
    ("field ", "fields", ""), ("sites of forms", "forms", "sites"), ("limit of sending", "sending", "limits"),
    ("relay tested", "sending", "relays"), ("throw-away", "throwaway", ""), ("bulk action", "bulk_actions", ""),
    ("picture ", "pictures", ""), ("invited", "team", ""), ("role changed", "team", ""),
)  # fmt: skip
"""(beginning of the action, endpoint, anchor) of pages that show all of a kind."""
_TEXT = "words of a mail "
_NUMBER, _NAME = re.compile(r"(?:article )?(\d{1,18})\b"), re.compile(r"[a-z0-9-]+")


def links(session: Session, entries: Collection[AuditEntry]) -> dict[int, str]:
    """Addresses by entry id; without what is deleted or not permitted to the user."""
    found: dict[int, str] = {}
    for begins, kind, page in _NUMBERED:
        about = {one.id: int(m[1]) for one in entries if _is(one, begins) and (m := _NUMBER.match(one.detail))}
        if about and may(page):
            there = set(session.scalars(select(kind.id).where(kind.id.in_(about.values()))))  # type: ignore[attr-defined]
            found |= {id: url_for(f"owner.{page}", id=of) for id, of in about.items() if of in there}
    for begins, named, page in _SLUGGED:
        short = {one.id: m[0] for one in entries if _is(one, begins) and (m := _NAME.match(one.detail))}
        if short and may(page):
            ids = dict(session.execute(select(named.slug, named.id).where(named.slug.in_(short.values()))).all())
            found |= {id: url_for(f"owner.{page}", id=ids[of]) for id, of in short.items() if of in ids}
    return {one.id: url for one in entries if (url := found.get(one.id) or _page(one))}


def _is(entry: AuditEntry, begins: str) -> bool:
    return entry.action.startswith(begins)


def _page(entry: AuditEntry) -> str:
    if _is(entry, _TEXT):
        mail = entry.detail.partition(":")[0]
        return url_for("owner.text", mail=mail) if mail in set(OwnMail) and may("text") else ""
    for begins, page, anchor in _PAGES:
        if _is(entry, begins) and may(page):
            return url_for(f"owner.{page}", _anchor=anchor or None)
    return ""
