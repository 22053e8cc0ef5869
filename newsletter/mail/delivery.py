"""Delivery: claim a batch, build it, hand it over, write down what became of it. The only sender of mail."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.articles import Revision
from newsletter.mail import outbox
from newsletter.mail.outbox import Attempt, Lane, Letter, Message, State, Verdict
from newsletter.mail.render import BadArticle, Renderer, Skeleton, Words
from newsletter.mail.replies import MAILBOX_FULL, Consequence, Meaning, classify
from newsletter.mail.transport import Envelope, Outcome, Stage, Transport
from newsletter.subscribers import Status, Subscriber

BATCH = {Lane.TRANSACTIONAL: 50, Lane.BULK: 500}
BEGUN_AT_ONCE = 20
"""Messages marked as handed over in one commit: so many more than its wires hold can a kill leave uncertain."""
SOFT_BOUNCES = 3
SOFT_BOUNCE_SPAN = timedelta(days=14)
RECORDED_AT_ONCE = {Lane.TRANSACTIONAL: 1, Lane.BULK: 100}
WRITE_EVERY = timedelta(seconds=1)
"""Outcomes are on record no later than this after they are known, and the lease is prolonged as often."""
log = structlog.get_logger()
Transaction = Callable[[], AbstractContextManager[Session]]


@dataclass
class _Silent:
    """The transport's journal while the ledger itself is the journal: `outbox.begin` was asked before."""

    def handed_over(self, keys: Sequence[int]) -> None:
        """Nothing to add."""

    def outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing to add."""


@dataclass
class Delivery:
    """What a worker process delivers with."""

    transaction: Transaction
    renderer: Renderer
    transport: Transport
    now: Callable[[], datetime]

    def run(self, lane: Lane, stop: Callable[[], bool] = lambda: False) -> int:
        """Deliver one batch of a lane; how many messages were claimed. 0: nothing is due."""
        return _Batch(self, lane, stop).run()


@dataclass
class _Batch:
    delivery: Delivery
    lane: Lane
    stop: Callable[[], bool]
    token: str = field(default_factory=lambda: secrets.token_hex(12))
    letters: dict[int, Letter] = field(default_factory=dict)
    words: dict[int, Words] = field(default_factory=dict)
    skeletons: dict[tuple[object, ...], Skeleton | None] = field(default_factory=dict)
    unbuildable: list[Verdict] = field(default_factory=list)
    written_at: datetime = field(init=False)

    def run(self) -> int:
        with self.delivery.transaction() as session:
            claimed = outbox.claim(session, self.lane, self.token, self.delivery.now(), BATCH[self.lane])
            if not claimed:
                return 0
            self.letters = {letter.id: letter for letter in claimed}
            self.words = _read_words(session, claimed)
            self.brand = brand.current(session)
            self.written_at = self.delivery.now()
        known: list[Outcome] = []
        for outcomes in self.delivery.transport.send(self._envelopes(), _Silent(), stop=self.stop):
            known += outcomes
            if len(known) >= RECORDED_AT_ONCE[self.lane] or self.delivery.now() - self.written_at > WRITE_EVERY:
                self._write(known)
                known = []
        self._write(known, last=True)
        return len(claimed)

    def _write(self, known: Sequence[Outcome], last: bool = False) -> None:
        now = self.written_at = self.delivery.now()
        with self.delivery.transaction() as session:
            self._record(session, known, now)
            outbox.keep(session, self.token, now)
            if last:
                outbox.record(session, self.token, self.unbuildable, now)
                outbox.release(session, self.token)

    def _envelopes(self) -> Iterator[Envelope]:
        waiting = list(self.letters.values())
        for start in range(0, len(waiting), BEGUN_AT_ONCE):
            some = waiting[start : start + BEGUN_AT_ONCE]
            built = [(letter, self._built(letter)) for letter in some]
            ids = [letter.id for letter, envelope in built if envelope]
            with self.delivery.transaction() as session:
                begun = outbox.begin(session, self.token, ids, self.delivery.now())
            for letter, envelope in built:
                if envelope and letter.id in begun:
                    yield envelope

    def _built(self, letter: Letter) -> Envelope | None:
        words, now = self.words.get(letter.revision_id or 0), self.delivery.now()
        try:
            skeleton = self._skeleton(letter, words)
            if skeleton:
                mail = skeleton.splice(letter, now)
            else:
                mail = self.delivery.renderer.compose(letter, self.brand, words, now)
        except (BadArticle, OSError) as error:
            log.warning("mail could not be built", message=letter.id, error=str(error))
            self.unbuildable.append(
                Verdict(letter.id, State.FAILED, 0, f"The mail could not be built: {error}"[:500], "")
            )
            return None
        return Envelope(letter.id, mail.sender, mail.recipient, mail.data, stuffed_safe=True)

    def _skeleton(self, letter: Letter, words: Words | None) -> Skeleton | None:
        """The skeleton this batch splices such letters into; None: they are composed one by one."""
        if words is None or not letter.stream.is_bulk:
            return None
        kind = (letter.stream, letter.revision_id, letter.dispatch_id, letter.context.get("guide"))
        if kind not in self.skeletons:
            self.skeletons[kind] = self.delivery.renderer.compile(letter, self.brand, words)
        return self.skeletons[kind]

    def _record(self, session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
        verdicts = []
        for outcome in outcomes:
            letter = self.letters[outcome.key]
            meaning = classify(
                outcome, self.lane, letter.attempts, letter.created_at, now,
                uncertain_before=letter.attempts > 0 and outbox.was_uncertain(session, letter.id),
            )  # fmt: skip
            verdicts.append(_verdict(outcome, meaning))
            if meaning.consequence in (Consequence.HARD_BOUNCE, Consequence.SOFT_BOUNCE) and letter.subscriber_id:
                _bounce(session, letter.subscriber_id, meaning.consequence, now)
        outbox.record(session, self.token, verdicts, now)


def _verdict(outcome: Outcome, meaning: Meaning) -> Verdict:
    return Verdict(
        outcome.key, meaning.state, outcome.code, outcome.text[:500], outcome.relay, meaning.due_at, meaning.counts,
        uncertain=outcome.stage is Stage.LOST_AFTER,
    )  # fmt: skip


def _read_words(session: Session, letters: Sequence[Letter]) -> dict[int, Words]:
    wanted = {letter.revision_id for letter in letters if letter.revision_id}
    rows = session.scalars(select(Revision).where(Revision.id.in_(wanted)))
    return {row.id: Words(row.subject, row.preheader, row.body) for row in rows}


def _bounce(session: Session, subscriber_id: int, consequence: Consequence, now: datetime) -> None:
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None:
        return
    if consequence is Consequence.HARD_BOUNCE or _keeps_bouncing(session, subscriber_id, now):
        subscriber.stop_mail(Status.BOUNCED, now)


def _keeps_bouncing(session: Session, subscriber_id: int, now: datetime) -> bool:
    """Whether this soft bounce is the third, and the first of them at least 14 days old."""
    count, oldest = session.execute(
        select(func.count(), func.min(Attempt.at))
        .join(Message, Message.id == Attempt.message_id)
        .where(Message.subscriber_id == subscriber_id, Attempt.reply.startswith(MAILBOX_FULL))
    ).one()
    return count + 1 >= SOFT_BOUNCES and oldest is not None and now - oldest >= SOFT_BOUNCE_SPAN
