"""A click: a link of a bulk mail was followed, by its reader or by a machine that looks at mails before they do.

Machines are whoever only asks for the head, whoever comes within two seconds of the mail's acceptance, and whoever
follows all links of a mail within a moment. What is known later may make a machine of what passed for a person. Written
down twice, a click is the same row.
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
"""Behind the acceptance of a mail: no person opens it, reads and clicks in that time."""
A_MOMENT = timedelta(seconds=3)
"""In which nobody follows every link of a mail, where it has several."""
PATIENCE = timedelta(minutes=10)
"""How long a click waits for the outcome of its mail, which says when that was accepted."""
SKEW = timedelta(minutes=1)


Mail = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Hit:
    """Somebody, or something, asked for where a link leads."""

    message: int
    destination: Destination
    at: datetime
    by_machine: bool
    """Only the head was asked for, or it was fetched before anybody wanted to see it."""


@dataclass(slots=True)
class _Seen:
    """When one link of one mail was followed."""

    people: list[datetime] = field(default_factory=list)
    machines: list[datetime] = field(default_factory=list)


def clicked(session: Session, hits: Sequence[Hit], now: datetime) -> list[Hit]:
    """Write down these hits; return those that have to wait for the outcome of their mail.

    What belongs to a mail, a reader or words that are not there (any more) is nobody's click. Hand in all that is known
    of a message at once. Locks the readers.
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
    """Those of these readers who are there, stay until the end of the transaction, and do not object."""
    look = select(Subscriber.id).where(Subscriber.id.in_(ids)).order_by(Subscriber.id)
    there = set(session.scalars(look.with_for_update(key_share=True)))
    return there - set(
        session.scalars(select(ClickObjection.subscriber_id).where(ClickObjection.subscriber_id.in_(ids)))
    )


def _is_its(hit: Hit, mail: Mail, there: Collection[int]) -> bool:
    """Whether this link stood in this mail: a restored backup gives the numbers of messages away again."""
    return (
        mail.subscriber_id in there
        and hit.at >= mail.created_at - SKEW
        and (is_of_revision(hit.destination, mail.revision_id) or mail.settled_at is None)
    )


def _must_wait(mail: Mail, hit: Hit, now: datetime) -> bool:
    return mail.settled_at is None and mail.state in UNDER_WAY and now - hit.at < PATIENCE


def _links(session: Session, urls: Collection[str]) -> dict[str, int]:
    """The numbers of these addresses; in one order, so that two who write do not wait for each other."""
    if not urls:
        return {}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(dialect.insert(Link).on_conflict_do_nothing(), [{"url": url} for url in sorted(urls)])
    return dict(session.execute(select(Link.url, Link.id).where(Link.url.in_(urls))).all())


def _note(session: Session, mail: Mail, hits: Sequence[Hit], rows: Sequence[Click],
          links: dict[str, int]) -> None:  # fmt: skip
    seen: dict[int, _Seen] = {row.link_id: _Seen(_some(row.person_at), _some(row.machine_at)) for row in rows}
    for hit in hits:
        one = seen.setdefault(links[hit.destination.address], _Seen())
        soon = mail.settled_at is not None and hit.at - mail.settled_at < TOO_SOON
        (one.machines if hit.by_machine or soon else one.people).append(hit.at)
    _tell_machines(seen, max(hit.destination.links for hit in hits))
    by_link = {row.link_id: row for row in rows}
    for link, one in seen.items():
        row = by_link.get(link) or Click(
            subscriber_id=mail.subscriber_id, message_id=mail.id, dispatch_id=mail.dispatch_id,
            revision_id=mail.revision_id, link_id=link, person_at=None, machine_at=None,
        )  # fmt: skip
        row.person_at, row.machine_at = min(one.people, default=None), min(one.machines, default=None)
        session.add(row)


def _some(at: datetime | None) -> list[datetime]:
    return [at] if at is not None else []


def _tell_machines(seen: dict[int, _Seen], links: int) -> None:
    """Whoever followed all links within a moment was none of the people."""
    if links < 2 or len(seen) < links:
        return
    for begin, end in list(_moments(seen)):
        for one in seen.values():
            one.machines += [at for at in one.people if begin <= at <= end]
            one.people = [at for at in one.people if not begin <= at <= end]


def _moments(seen: dict[int, _Seen]) -> Iterator[tuple[datetime, datetime]]:
    """The moments in which every link was followed."""
    every = [sorted([*one.people, *one.machines]) for one in seen.values()]
    for begin in sorted({at for times in every for at in times}):
        end = begin + A_MOMENT
        if all(any(begin <= at <= end for at in times) for times in every):
            yield begin, end
