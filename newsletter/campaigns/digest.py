"""The weekly mail: when it is due, a reader's waiting entries become one message in the same transaction.

Claims write the entries (`mail/ledger/digest`); `Brand.next_digest` says when it is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.articles import Article, Revision
from newsletter.brand import Brand
from newsletter.db import Moment
from newsletter.languages import said
from newsletter.mail.contents import content_of
from newsletter.mail.ledger import OPEN, UNDER_WAY, Dispatch, Hold, Lane, Message, NewMessage, Reason
from newsletter.mail.ledger.digest import WAITING, DigestEntry, look_again
from newsletter.mail.ledger.queue import queue_many
from newsletter.mail.notice import tell_owners
from newsletter.mail.render import BadArticle, Content, Reader, Renderer, teaser
from newsletter.subscribers import FIRST_NAME, MergeField, Stream, Subscriber, own_values, takes_topic

BATCH = 500
"""Weekly mails composed in one transaction."""
LOOK_AGAIN = timedelta(minutes=1)
"""When to check again on readers whose pause is over but has not been ended yet."""


def digest_is_due(now: Moment) -> ColumnElement[bool]:
    """The condition that an entry is due: one lookup in a small index."""
    return _due(now).exists()


def _due(now: Moment) -> Select[int]:
    return select(DigestEntry.subscriber_id).where(*WAITING, DigestEntry.due_at <= now)


def in_digests(dispatch_id: ColumnElement[int | None]) -> ColumnElement[bool]:
    """The condition that some of this dispatch is still to come in weekly mails."""
    mail = select(Message.id).where(Message.id == DigestEntry.digest_id, Message.state.in_(UNDER_WAY))
    to_come = or_(DigestEntry.digest_id.is_(None), mail.correlate(DigestEntry).exists())
    its = select(DigestEntry.message_id).where(DigestEntry.dispatch_id == dispatch_id)
    return its.where(DigestEntry.reason.is_(None), to_come).exists()


def send_digests(session: Session, renderer: Renderer, now: datetime, limit: int = BATCH) -> int:
    """Queue the weekly mail of up to `limit` people for whom it may be due; return how many were considered.

    It locks the people and skips locked ones, so of two concurrent ticks one queues the mail, and a press that revokes
    something comes before or after.
    """
    due = session.scalars(_due(now).distinct().limit(limit)).all()
    people = session.scalars(
        select(Subscriber)
        .where(Subscriber.id.in_(due))
        .order_by(Subscriber.id)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    if people:
        _Tick(session=session, renderer=renderer, brand=brand.current(session), now=now).run(people)
    return len(people)


@dataclass
class _Tick:
    """One batch. `words`: each dispatch's revision and content; `unfit`: why a dispatch cannot be rendered."""

    session: Session
    renderer: Renderer
    brand: Brand
    now: datetime
    words: dict[int, tuple[int, Content]] = field(default_factory=dict)
    unfit: dict[int, str] = field(default_factory=dict)
    own: dict[int, dict[str, str]] = field(default_factory=dict)

    def run(self, people: Sequence[Subscriber]) -> None:
        """Queue a mail for each person for whom it is due."""
        waiting = self._waiting(people)
        going = {one.id: entries for one in people if (entries := self._going(one, waiting.get(one.id, [])))}
        self._read(going)
        mails = {one.id: self._put(one, going[one.id]) for one in people if one.id in going}
        new = [mail for mail in mails.values() if mail is not None]
        for (person, _), id in queue_many(self.session, Stream.DIGEST, new, self.now).items():
            for one in going[person]:
                one.digest_id = id if one.reason is None else None
        self.session.flush()
        for dispatch, why in sorted(self.unfit.items()):
            self._tell(dispatch, why)

    def _waiting(self, people: Sequence[Subscriber]) -> dict[int, list[tuple[DigestEntry, Dispatch, bool]]]:
        """All waiting entries of these people, including those not due by themselves yet."""
        wanted = or_(Dispatch.topic_id.is_(None), takes_topic(Dispatch.topic_id.expression))
        rows = self.session.execute(
            select(DigestEntry, Dispatch, wanted)
            .join(Dispatch, Dispatch.id == DigestEntry.dispatch_id)
            .join(Subscriber, Subscriber.id == DigestEntry.subscriber_id)
            .where(*WAITING, DigestEntry.subscriber_id.in_([one.id for one in people]))
            .order_by(DigestEntry.message_id)
            .with_for_update(of=DigestEntry)
            .execution_options(populate_existing=True)
        )
        found: dict[int, list[tuple[DigestEntry, Dispatch, bool]]] = {}
        for entry, dispatch, takes in rows:
            found.setdefault(entry.subscriber_id, []).append((entry, dispatch, bool(takes)))
        return found

    def _going(self, person: Subscriber, waiting: list[tuple[DigestEntry, Dispatch, bool]]) -> list[DigestEntry]:
        """The entries that go to this person now; set a new due time, or a reason, on the others."""
        for entry, dispatch, takes in waiting:
            if not person.takes(Stream.DIGEST):
                entry.reason = Reason.NOT_ELIGIBLE
            elif not takes:
                entry.reason = Reason.TOPIC_LEFT
            elif dispatch.hold is Hold.CANCELLED:
                entry.reason = Reason.CAMPAIGN_CANCELLED
        left = [(entry, dispatch) for entry, dispatch, _ in waiting if entry.reason is None]
        due = min((self.brand.next_digest(one.counts_from, person.zone) for one, _ in left), default=self.now)
        going = []
        for entry, dispatch in left:
            if person.paused_until is not None:
                entry.due_at = max(person.paused_until, self.now + LOOK_AGAIN)  # ending the pause makes it due
            elif due > self.now:
                entry.due_at = due
            elif dispatch.hold is Hold.PAUSED:
                entry.counts_from, entry.due_at = self.now, self.brand.next_digest(self.now, person.zone)
            else:
                going.append(entry)
        return going

    def _read(self, going: dict[int, list[DigestEntry]]) -> None:
        """Load the content of these campaigns, and the readers' fields it uses."""
        dispatches = {one.dispatch_id for entries in going.values() for one in entries}
        look = select(Dispatch.id, Revision).join(Revision, Revision.id == Dispatch.revision_id)
        for id, revision in self.session.execute(look.where(Dispatch.id.in_(dispatches))):
            self.words[id] = (revision.id, content_of(self.session, revision))
        named: list[MergeField] = [one for _, words in self.words.values() for one in self.renderer.own_fields(words)]
        if named:
            self.own = own_values(self.session, list(dict.fromkeys(named)), going.keys())

    def _put(self, person: Subscriber, entries: list[DigestEntry]) -> NewMessage | None:
        """Put these entries into one mail; None if none can be rendered."""
        fields = {FIRST_NAME: person.first_name, **self.own.get(person.id, {})}
        teasers: list[dict[str, Any]] = []
        for one in entries:
            one.revision_id, words = self.words[one.dispatch_id]
            one.tries += 1
            try:
                reader = Reader(person.id, fields, one.message_id)
                current_brand = self.brand.speaking(person.language, self.renderer.languages)
                teasers.append(teaser(self.renderer, words, current_brand, reader).kept)
            except BadArticle as error:
                self.unfit[one.dispatch_id], one.reason = str(error), Reason.UNFIT
        if not teasers:
            return None
        key = f"digest:{entries[0].message_id}:{entries[0].tries}"
        return NewMessage(subscriber_id=person.id, idempotency_key=key, revision_id=None, context={"digest": teasers})

    def _tell(self, dispatch: int, why: str) -> None:
        lines = [said("Its text cannot be put together: %(reason)s", reason=why),
                 said("Whoever takes one mail a week gets it without this campaign.")]  # fmt: skip
        title = said("A campaign is missing in weekly mails")
        tell_owners(self.session, self.now, key=f"unfit:w{dispatch}", title=title, lines=lines,
                   button=said("Look at it"), path="/owner/campaigns")  # fmt: skip


@dataclass(frozen=True, slots=True)
class NextDigest:
    """When a reader's next weekly mail is due, and the articles waiting for it."""

    at: datetime
    titles: tuple[str, ...]


def next_digest(session: Session, person: Subscriber, now: datetime) -> NextDigest | None:
    """A reader's next weekly mail, by the rule that sends it; None if they take single mails and none waits."""
    if not person.takes(Stream.DIGEST):
        return None
    waits = session.execute(
        select(DigestEntry.counts_from, Article.title)
        .join(Dispatch, Dispatch.id == DigestEntry.dispatch_id)
        .join(Revision, Revision.id == Dispatch.revision_id)
        .join(Article, Article.id == Revision.article_id)
        .where(*WAITING, DigestEntry.subscriber_id == person.id, Dispatch.hold == Hold.OPEN)
        .order_by(DigestEntry.message_id)
    ).all()
    if not waits and not person.digest:
        return None
    current_brand, paused = brand.current(session), person.paused_until
    begins = [max(paused, now)] if paused else [since for since, _ in waits] or [now]
    at = min(current_brand.next_digest(one, person.zone) for one in begins)
    return NextDigest(at=max(at, now), titles=tuple(title for _, title in waits))


def digest_times_changed(session: Session, now: datetime) -> None:
    """Reschedule what waits, after the owner has changed the day or hour."""
    look_again(session, now)


def due_digests(session: Session, now: datetime) -> dict[int, datetime]:
    """Since when weekly mails are due, by subscriber id, including queued ones."""
    queued = select(Message.subscriber_id, Message.created_at).where(
        Message.stream == Stream.DIGEST, Message.lane == Lane.BULK, Message.due_at.is_not(None), Message.state.in_(OPEN)
    )
    due = {id: at for id, at in session.execute(queued) if id is not None}
    current_brand = brand.current(session)
    waits = select(Subscriber.id, Subscriber.zone, func.min(DigestEntry.counts_from)).where(*WAITING)
    of_whom = waits.join(Subscriber, Subscriber.id == DigestEntry.subscriber_id)
    for id, zone, since in session.execute(of_whom.group_by(Subscriber.id, Subscriber.zone)):
        at = current_brand.next_digest(since, zone)
        if at <= now:
            due[id] = min(at, due.get(id, at))
    return due
