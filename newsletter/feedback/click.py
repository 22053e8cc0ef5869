"""Clicks on links in bulk mail, by readers or by machines that scan mail first.

A machine is one that sends HEAD or prefetches, clicks within `TOO_SOON` of the mail's acceptance, or follows all links
within `A_MOMENT`; later hits may reclassify earlier ones. Recording a click twice leaves one row.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.clicks import Click, ClickObjection, Link
from newsletter.mail.ledger import UNDER_WAY, Lane, Message
from newsletter.mail.render.counted import Destination, is_of_revision
from newsletter.subscribers import Subscriber

TOO_SOON = timedelta(seconds=2)
"""After the mail's acceptance: nobody opens, reads and clicks so fast."""
A_MOMENT = timedelta(seconds=3)
"""Nobody follows all of a mail's several links within this."""
PATIENCE = timedelta(minutes=10)
"""How long a click waits for its mail's outcome, which holds the time of acceptance."""
SKEW = timedelta(minutes=1)


Mail = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a link's target, by a person or a machine."""

    message: int
    destination: Destination
    at: datetime
    by_machine: bool
    """A HEAD request or a prefetch."""


@dataclass(slots=True)
class _Seen:
    """The times one link of one mail was followed."""

    people: list[datetime] = field(default_factory=list)
    machines: list[datetime] = field(default_factory=list)


def clicked(session: Session, hits: Sequence[Hit], now: datetime) -> list[Hit]:
    """Record these hits; return those that have to wait for their mail's outcome.

    Ignores hits whose mail, reader or link no longer exists. Pass all hits of a message together. Locks the readers.
    """
    if not brand.current(session).counts_clicks:
        return []
    mails = _mails(session, {hit.message for hit in hits})
    there = _locked(session, {one.subscriber_id for one in mails.values()})
    known = [hit for hit in hits if (mail := mails.get(hit.message)) and _is_its(hit, mail, there)]
    later = [hit for hit in known if _must_wait(mails[hit.message], hit, now)]
    due = [hit for hit in known if hit not in later]
    links = _links(session, {hit.destination.address for hit in due})
    rows: dict[int, list[Click]] = {}
    for row in session.scalars(select(Click).where(Click.message_id.in_({hit.message for hit in due}))):
        rows.setdefault(row.message_id, []).append(row)
    for message in dict.fromkeys(hit.message for hit in due):
        its = [hit for hit in due if hit.message == message]
        _note(session, mails[message], its, rows.get(message, []), links)
    return later


def _mails(session: Session, ids: Collection[int]) -> dict[int, Mail]:
    look = select(
        Message.id, Message.subscriber_id, Message.state, Message.created_at, Message.settled_at, Message.dispatch_id,
        Message.revision_id,
    )  # fmt: skip
    bulk = (Message.lane == Lane.BULK, Message.subscriber_id.is_not(None), Message.revision_id.is_not(None))
    return {row.id: row for row in session.execute(look.where(Message.id.in_(ids), *bulk))}


def _locked(session: Session, ids: Collection[int]) -> set[int]:
    """The ids of these readers who exist, now locked, and have not objected to click tracking."""
    look = select(Subscriber.id).where(Subscriber.id.in_(ids)).order_by(Subscriber.id)
    there = set(session.scalars(look.with_for_update(key_share=True)))
    return there - set(
        session.scalars(select(ClickObjection.subscriber_id).where(ClickObjection.subscriber_id.in_(ids)))
    )


def _is_its(hit: Hit, mail: Mail, there: Collection[int]) -> bool:
    """Whether this link belongs to this mail: message ids are reused after a restore."""
    return (
        mail.subscriber_id in there
        and hit.at >= mail.created_at - SKEW
        and (is_of_revision(hit.destination, mail.revision_id) or mail.settled_at is None)
    )


def _must_wait(mail: Mail, hit: Hit, now: datetime) -> bool:
    return mail.settled_at is None and mail.state in UNDER_WAY and now - hit.at < PATIENCE


def _links(session: Session, urls: Collection[str]) -> dict[str, int]:
    """Ids of these URLs, inserted where missing, in sorted order to avoid deadlocks."""
    if not urls:
        return {}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(Link).on_conflict_do_nothing(), [{"url": url} for url in sorted(urls)])
    return dict(session.execute(select(Link.url, Link.id).where(Link.url.in_(urls))).all())


def _note(session: Session, mail: Mail, hits: Sequence[Hit], rows: Sequence[Click],
          links: dict[str, int]) -> None:  # fmt: skip
    seen: dict[int, _Seen] = {row.link_id: _Seen(_as_list(row.person_at), _as_list(row.machine_at)) for row in rows}
    for hit in hits:
        one = seen.setdefault(links[hit.destination.address], _Seen())
        soon = mail.settled_at is not None and hit.at - mail.settled_at < TOO_SOON
        (one.machines if hit.by_machine or soon else one.people).append(hit.at)
    _reclassify_machines(seen, max(hit.destination.links for hit in hits))
    by_link = {row.link_id: row for row in rows}
    for link, one in seen.items():
        row = by_link.get(link) or Click(
            subscriber_id=mail.subscriber_id, message_id=mail.id, dispatch_id=mail.dispatch_id,
            revision_id=mail.revision_id, link_id=link, person_at=None, machine_at=None,
        )  # fmt: skip
        row.person_at, row.machine_at = min(one.people, default=None), min(one.machines, default=None)
        session.add(row)


def _as_list(at: datetime | None) -> list[datetime]:
    return [at] if at is not None else []


def _reclassify_machines(seen: dict[int, _Seen], links: int) -> None:
    """Reclassify hits that followed all links within `A_MOMENT` as a machine's."""
    if links < 2 or len(seen) < links:
        return
    for begin, end in list(_moments(seen)):
        for one in seen.values():
            one.machines += [at for at in one.people if begin <= at <= end]
            one.people = [at for at in one.people if not begin <= at <= end]


def _moments(seen: dict[int, _Seen]) -> Iterator[tuple[datetime, datetime]]:
    """The intervals in which every link was followed."""
    every = [sorted([*one.people, *one.machines]) for one in seen.values()]
    for begin in sorted({at for times in every for at in times}):
        end = begin + A_MOMENT
        if all(any(begin <= at <= end for at in times) for times in every):
            yield begin, end
