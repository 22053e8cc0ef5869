"""Delivery: claims messages, builds them, sends them and records their outcomes. Nothing else sends mail."""

import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.brand import Brand
from newsletter.languages import said
from newsletter.mail import alarms, ledger
from newsletter.mail.batch_size import AdaptiveBatchSize
from newsletter.mail.breaker import RUN, SHARE, Breaker
from newsletter.mail.builder import Builder
from newsletter.mail.contents import Contents, as_tried
from newsletter.mail.journal import Journal
from newsletter.mail.ledger import ClaimedMessage, Lane, Outcome, Reason, State
from newsletter.mail.ledger.claim import BatchClaim, Claim
from newsletter.mail.ledger.dispatch import pause_open
from newsletter.mail.ledger.lost import requeue
from newsletter.mail.notice import tell_owners
from newsletter.mail.outcomes import Suppress, interpret
from newsletter.mail.render import BadArticle, Content, Renderer
from newsletter.mail.replies import RELAY_WAIT, asks_to_slow_down
from newsletter.mail.retry import Transaction, persist
from newsletter.mail.throttle import Budget, Throttle, Unlimited, domain_of
from newsletter.mail.unfit import Unfit
from newsletter.smtp import Envelope, SmtpResult, Stage, Transport

MOST_ROWS = {Lane.TRANSACTIONAL: 50, Lane.BULK: 500}
WRITE_EVERY = {Lane.TRANSACTIONAL: 0.0, Lane.BULK: 1.0}
"""Seconds within which known results are recorded; the lease is renewed as often."""
MARK_AGE = 0.25
"""Seconds `mark_sending` is trusted before it is repeated: a reader who leaves gets nothing after that."""
ROW_WAIT_LIMIT = 60.0
"""Longest wait in seconds of a single message held back: a throttle rule may have been lifted."""
log = structlog.get_logger()
T = TypeVar("T")


@dataclass
class Delivery:
    """All that a worker process needs to deliver. `journals`: the folder of this host's journals."""

    transaction: Transaction
    renderer: Renderer
    transport: Transport
    now: Callable[[], datetime]
    journals: Path
    suppress: Suppress
    throttle: Throttle = field(default_factory=Unlimited)
    batch_size: AdaptiveBatchSize = field(default_factory=AdaptiveBatchSize)
    pause_at: float = SHARE
    """The share of refusals at which a campaign is paused."""
    contents: Contents = field(init=False)
    alarmed: set[str] | None = None
    """Relays with an alarm, and "" for confirmations; None: not looked up yet."""
    keys: alarms.Keys = field(default_factory=alarms.Keys)

    def __post_init__(self) -> None:
        self.contents = Contents(self.renderer)

    def run(self, lane: Lane, stop: Callable[[], bool] = lambda: False) -> int:
        """Deliver one claim of a lane; return how many messages it held, 0 if nothing is due or may go now."""
        if self.throttle.is_shut(lane):
            return 0
        token, began_at = secrets.token_hex(12), time.monotonic()
        journal, settled = None, False
        try:
            with self.transaction() as session:
                current_brand = brand.current(session)
                claim = self._claim(session, current_brand, lane, token)
                if claim is None:
                    return 0
                named = {one.revision_id for one in claim.messages if one.revision_id}
                contents = self.contents.of(session, named, tries=lane is Lane.TRANSACTIONAL)
                # Open before the commit: a crash then leaves proof that nothing was sent.
                journal = Journal(self.journals, token, claim.batch)
            _Run(
                delivery=self, lane=lane, stop=stop, claim=claim,
                contents=contents, builder=Builder(self.renderer, current_brand), journal=journal, began_at=began_at,
            ).run()  # fmt: skip
            settled = True
        finally:
            if journal:
                journal.close(settled=settled)
        return max(len(claim.messages), 1)

    def _claim(self, session: Session, current_brand: Brand, lane: Lane, token: str) -> Claim | None:
        """Claim what is due. None: nothing is due, or a key of this host is not the installation's."""
        if not self.keys.may_send(session, current_brand, self.renderer, self.now()):
            return None
        if not self.renderer.signer.knows_ranges:
            self.renderer.signer.learn_ranges(brand.retired_keys(session))
        # While throttle rules are in force, nothing is marked before the budget says what may go.
        mark = 0 if self.throttle.is_active() else self.batch_size.size
        return ledger.claim(session, lane, token, self.now(), MOST_ROWS[lane], mark, self.contents.own_fields)


@dataclass
class _Run:
    """The delivery of one claim."""

    delivery: Delivery
    lane: Lane
    stop: Callable[[], bool]
    claim: Claim
    contents: dict[int, Content]
    builder: Builder
    journal: Journal
    began_at: float
    """Taken before the claim, so that marks age correctly even if the process was frozen right after it."""
    messages: dict[int, ClaimedMessage] = field(init=False)
    unsent: set[int] = field(init=False)
    """Messages the transport has not pulled (yet): they have certainly not left."""
    unbuildable: list[Outcome] = field(default_factory=list)
    unfit: Unfit = field(init=False)
    breaker: Breaker = field(init=False)
    no_relay: bool = False
    held: bool = False
    """The batch must stop: its dispatch is held or has new content, or another claim has taken over."""
    budget: Budget = field(init=False)
    marked: set[int] = field(default_factory=set)
    stayed: set[int] = field(default_factory=set)
    """Pulled, but no relay would take them: they have not left."""
    written_at: float = field(default_factory=time.monotonic)
    refused: int = 0
    """Results other than ACCEPTED not recorded yet."""

    def __post_init__(self) -> None:
        self.messages = {message.id: message for message in self.claim.messages}
        self.unsent = set(self.messages)
        self.budget = self.delivery.throttle.budget(self.lane)
        self.breaker = Breaker(self.delivery.pause_at)
        self.unfit = Unfit()
        self._note_marked(self.claim.sending)

    def run(self) -> None:
        try:
            self._send()
        finally:
            self.budget.settle(self.unsent | self.stayed)

    def _send(self) -> None:
        known: list[SmtpResult] = []
        send, quotas, urgent = self.delivery.transport.send, self.budget.quotas, self.lane is Lane.TRANSACTIONAL
        for results in send(self._envelopes(), self.journal, stop=self._stops, quotas=quotas, urgent=urgent):
            known += results
            self.refused += sum([one.stage is not Stage.ACCEPTED for one in results])
            if self._is_time_to_record():
                self._write(known)
                known = []
        self.budget.reconsider()
        self._write(known, last=True)

    def _is_time_to_record(self) -> bool:
        """Whether to record: enough time has passed, or enough was refused for the breaker to act."""
        return time.monotonic() - self.written_at > WRITE_EVERY[self.lane] or self.refused >= RUN

    def _stops(self) -> bool:
        return self.no_relay or self.breaker.tripped or self.stop()

    def _envelopes(self) -> Iterator[Envelope]:
        waiting, batch_size = list(self.messages.values()), self.delivery.batch_size
        marked = self.claim.sending
        while waiting and not self.held:
            step = len(marked) or self.claim.step or batch_size.size
            some, waiting = waiting[:step], waiting[step:]
            began_at = time.monotonic()
            yield from self._marked_envelopes(self.budget.choose(some), marked)
            marked = set()
            if not self.claim.step:
                batch_size.learn(step, time.monotonic() - began_at)

    def _marked_envelopes(self, messages: Sequence[ClaimedMessage], marked: set[int]) -> Iterator[Envelope]:
        """Yield the messages that may go. They are marked in one commit, and again once MARK_AGE has passed.

        `marked`: those the claim itself has marked.
        """
        asked, now = self.began_at if marked else float("-inf"), self.delivery.now()
        for place, message in enumerate(messages):
            if time.monotonic() - asked > MARK_AGE:
                marked, now = self._mark_sending([one.id for one in messages[place:]]), self.delivery.now()
                asked = time.monotonic()
            if message.id in marked and (envelope := self._envelope(message, now)):
                self.unsent.discard(message.id)
                yield envelope

    def _mark_sending(self, ids: Sequence[int]) -> set[int]:
        held = self.budget.held.keys()
        marked = self._persist(lambda session: self.claim.mark_sending(session, ids, self.delivery.now(), held))
        self.held = isinstance(self.claim, BatchClaim) and not marked
        self._note_marked(marked)
        return marked

    def _persist(self, change: Callable[[Session], T]) -> T:
        return persist(self.delivery.transaction, change, self.stop)

    def _note_marked(self, ids: set[int]) -> None:
        self.marked |= ids
        if ids:
            self.journal.marked(ids)

    def _envelope(self, message: ClaimedMessage, now: datetime) -> Envelope | None:
        if self.unfit.covers(message):
            return None
        content = as_tried(message, self.contents.get(message.revision_id or 0))
        try:
            mail = self.builder.mail(message, content, now)
        except BadArticle as error:
            self.unfit.add(message, str(error), now)
            self.held = bool(self.claim.batch)  # unfit content goes to nobody in a batch
            return None
        except OSError as error:
            log.warning("mail could not be built", message=message.id, error=str(error))
            self.unbuildable.append(
                Outcome(message.id, State.FAILED, 0, str(error)[:500], "", reason=Reason.UNBUILDABLE)
            )
            return None
        return Envelope(message.id, mail.sender, mail.recipient, mail.data, True, mail.seven_bit)

    def _write(self, known: Sequence[SmtpResult], last: bool = False) -> None:
        self.written_at = time.monotonic()
        if self.refused:
            self.refused = 0
            self.stayed.update(one.key for one in known if one.stage is Stage.RELAY)
            self.no_relay = bool(self.stayed)
            self._slow_down(known)
        if last or known:
            self.breaker = self._persist(lambda session: self._record(session, known, last))

    def _record(self, session: Session, known: Sequence[SmtpResult], last: bool) -> Breaker:
        now = self.delivery.now()
        # What no relay would take has not left: in a batch it stays as it is, a single row gets a new `due_at`.
        ours = [one for one in known if one.stage is not Stage.RELAY or not isinstance(self.claim, BatchClaim)]
        outcomes, refusals = interpret(session, self.messages, self.lane, ours, now, self.delivery.suppress)
        breaker = replace(self.breaker)  # this function may run twice
        if reason := breaker.watch(refusals):
            self._trip(session, reason, now)  # first, because a dispatch is locked before its batches
        if last:
            self.unfit.settle(session, now)
            self._finish(session, outcomes := [*outcomes, *self.unbuildable, *self.unfit.outcomes], now)
        else:
            self.claim.record(session, outcomes, now)
        delivery = self.delivery
        relays = delivery.transport.refusals()
        delivery.alarmed = alarms.watch(session, delivery.alarmed, known, outcomes, self.messages, relays, now)
        return breaker

    def _finish(self, session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Release what has not left: at once, or for later if no relay would take it or a budget is used up."""
        held = self.budget.held
        not_before = now + RELAY_WAIT if self.no_relay else None
        if not not_before and held and held.keys() >= self.unsent:
            # Spread the batches that wait for the same budget.
            not_before = now + timedelta(seconds=min(held.values()) * random.uniform(1.0, 1.25))  # noqa: S311
        later = {id: now + timedelta(seconds=min(wait, ROW_WAIT_LIMIT)) for id, wait in held.items()}
        self.claim.finish(session, outcomes, now, self.unsent, not_before, later)
        # If the lease ran out meanwhile, these became uncertain. Rows in `stayed` already have a new `due_at`.
        kept = self.marked & (self.unsent | self.stayed if self.claim.batch else self.unsent)
        requeue(session, self.claim.token, kept, now, of_batch=bool(self.claim.batch))

    def _slow_down(self, known: Sequence[SmtpResult]) -> None:
        """Halve the rate of receivers that reply 4.7.x."""
        for domain in {domain_of(self.messages[one.key].email) for one in known if asks_to_slow_down(one)}:
            ours = sum(domain_of(message.email) == domain for message in self.messages.values())
            gone = ours - sum(domain_of(self.messages[id].email) == domain for id in self.unsent)
            self.delivery.throttle.slow_down(domain, gone / max(time.monotonic() - self.began_at, 1.0))

    def _trip(self, session: Session, reason: str, now: datetime) -> None:
        """Pause the campaign and notify the owner; unsent messages stay queued."""
        its = {message.dispatch_id for message in self.messages.values() if message.dispatch_id}
        for dispatch in pause_open(session, its, reason):
            tell_owners(
                session, now, key=f"breaker:{dispatch}:{now:%Y%m%d%H%M%S}", title=said("A campaign has been paused"),
                lines=[reason, said("Nobody who has not been sent to is lost: resume it when the cause is known.")],
                button=said("Look at it"), path="/owner/campaigns",
            )  # fmt: skip
