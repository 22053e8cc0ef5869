"""Tests of mails: checks the addresses, which must not be suppressed, and queues the tests."""

import re
from dataclasses import replace
from hashlib import sha256
from typing import Any

from flask import request
from flask import session as cookie
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import brand, characters, preflight
from newsletter.accounts import Owner
from newsletter.articles import Article, Revision
from newsletter.mail import ledger
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import Message
from newsletter.mail.ledger.trial import Trial
from newsletter.subscribers import Address, BadAddress, Status, Stream, Subscriber, Suppression, read_address
from newsletter.web.language import _
from newsletter.web.owner.door import asked_id
from newsletter.web.state import now, runtime

MOST = 5
PREVIEWED = "previewed"
LEFT = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
_BETWEEN = re.compile(r"[\s,;]+")


class NotTried(ValueError):
    """A test cannot be sent; the message says why and what to do."""


def trial_addresses(session: Session, owner: Owner, typed: str) -> list[str]:
    """The distinct addresses typed, or else the owner's own. Raises NotTried."""
    words = [one for one in _BETWEEN.split(characters.text(typed)) if one] or [owner.email]
    if len(words) > MOST:
        raise NotTried(_("A test goes to %(most)s addresses at most. Nothing was sent.", most=MOST))
    found: dict[str, str] = {}
    for word in words:
        try:
            address = read_address(word)
        except BadAddress:
            raise NotTried(_("“%(word)s” is no e-mail address. Nothing was sent.", word=word[:100])) from None
        if address.key != owner.email and _must_not_be_written_to(session, address):
            raise NotTried(
                _(
                    "%(address)s has left or must not be written to: no test goes there. Nothing was sent.",
                    address=address.email,
                )
            )
        found.setdefault(address.key, address.email)
    return list(found.values())


def trial_reader(session: Session, typed: str) -> Subscriber | None:
    """The reader with this address, for whom to fill it in; None for somebody without a name. Raises NotTried."""
    if not (line := characters.line(typed)):
        return None
    try:
        person = session.scalar(select(Subscriber).where(Subscriber.email_key == read_address(line).key))
    except BadAddress:
        person = None
    if person is None:
        raise NotTried(_("None of your readers has the address “%(word)s”. Nothing was sent.", word=line[:100]))
    return person


def note_previewed(article: Article, reader: Subscriber | None) -> None:
    """Remember in this browser the reader for whom an article was last previewed, for a test of it."""
    seen = [article.id, reader.id] if reader else None
    if cookie.get(PREVIEWED) != seen:
        cookie[PREVIEWED] = seen


def previewed(session: Session, article: Article) -> Subscriber | None:
    """The reader for whom this article was last previewed in this browser; None for somebody without a name."""
    about, reader = cookie.get(PREVIEWED) or (0, 0)
    return session.get(Subscriber, reader) if about == article.id else None


def _must_not_be_written_to(session: Session, address: Address) -> bool:
    person = session.scalar(select(Subscriber).where(Subscriber.email_key == address.key))
    has_left = person is not None and person.status in LEFT
    return has_left or bool(Suppression.of_address(session, runtime().secrets, address))


def tests_of(session: Session, revision: Revision) -> int:
    """Number of tests of this revision."""
    to_owners = Message.owner_id.is_not(None)  # uses the partial index of owners' mail
    look = select(func.count()).where(to_owners, Message.revision_id == revision.id, Message.stream == Stream.TEST)
    return session.scalar(look) or 0


def queue_trials(session: Session, owner: Owner, article: Article, to: list[str], like: int,
                 context: dict[str, Any], words: tuple[str, str] = ("", "")) -> list[str]:  # fmt: skip
    """Queue a test to each of these addresses, filled in for the reader `like`; return those not queued before.

    `words`: a subject and a preheader in place of the article's.
    """
    number, fresh = asked_id("number", request.form) or 1, []
    tried = content_of(session, article.current)
    tried = replace(tried, subject=words[0], preheader=words[1]) if words[0] else tried
    seen = preflight.print_of(runtime().renderer, brand.current(session), tried)
    for one in to:
        trial = Trial("" if one == owner.email else one, like, *words, fingerprint=seen)
        key = f"test:{article.current.id}:{number}"
        if trial.subject:
            key += f":b:{sha256(repr(words).encode()).hexdigest()[:16]}"
        if trial.to:
            key += f":{sha256(trial.to.encode()).hexdigest()[:16]}"
        about = context | trial.context
        _, is_new = ledger.queue(session, owner, Stream.TEST, key, now(), revision=article.current, context=about)
        fresh += [one] if is_new else []
    return fresh
