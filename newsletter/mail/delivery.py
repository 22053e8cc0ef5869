"""Delivery: claim a batch, build it, hand it over, write down what became of it. The only sender of mail."""

import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter import brand
from newsletter.articles import Revision
from newsletter.brand import Brand
from newsletter.mail import alarms, outbox
from newsletter.mail.breaker import RUN, SHARE, Breaker
from newsletter.mail.journal import Journal
from newsletter.mail.notice import tell_owner
from newsletter.mail.outbox import Lane, Letter, State, Taken, Verdict
from newsletter.mail.patience import Transaction, persist
from newsletter.mail.render import BadArticle, Renderer, Skeleton, Words
from newsletter.mail.replies import RELAY_WAIT, asks_to_slow_down
from newsletter.mail.stride import Stride
from newsletter.mail.throttle import Budget, Throttle, Unlimited, domain_of
from newsletter.mail.unfit import Unfit
from newsletter.mail.verdicts import Suppress, judge
from newsletter.smtp import Envelope, SmtpResult, Stage, Transport

MOST_ROWS = {Lane.TRANSACTIONAL: 50, Lane.BULK: 500}
WRITE_EVERY = {Lane.TRANSACTIONAL: 0.0, Lane.BULK: 1.0}
"""Seconds: outcomes are on record no later than this after they are known, and the lease is prolonged as often."""
BELIEVED = 0.25
"""Seconds that `begin` is trusted before it is asked again. Whoever leaves gets at most what was begun by then."""
ROW_PATIENCE = 60.0
"""Seconds after which a message that waits by itself is offered again, at most: a limit may have been lifted."""
log = structlog.get_logger()
T = TypeVar("T")


@dataclass
class Delivery:
    """What a worker process delivers with. `journals`: the folder of this host's journals."""

    transaction: Transaction
    renderer: Renderer
    transport: Transport
    now: Callable[[], datetime]
    journals: Path
    suppress: Suppress
    throttle: Throttle = field(default_factory=Unlimited)
    stride: Stride = field(default_factory=Stride)
    pause_at: float = SHARE
    """The share of refusals at which a campaign is paused."""
    last_words: dict[int, Words] = field(default_factory=dict)
    """Those of the last batch, by revision."""
    alarmed: set[str] | None = None
    """Relays that an alarm is about, and "" for confirmations; None: not looked yet."""

    def run(self, lane: Lane, stop: Callable[[], bool] = lambda: False) -> int:
        """Deliver one batch of a lane; how many messages were claimed. 0: nothing is due, or nothing may go now."""
        if self.throttle.is_shut(lane):
            return 0
        token, began_at = secrets.token_hex(12), time.monotonic()
        journal, settled = None, False
        try:
            with self.transaction() as session:
                house = brand.current(session)
                if not house.is_signed_with(self.renderer.signer.key_print):
                    log.error("nothing is sent: SECRET_KEY is another one than that of the installation")
                    return 0
                if not self.renderer.signer.knows_ranges:
                    self.renderer.signer.learn_ranges(brand.retired_keys(session))
                # Where limits hold, it is first asked what of the batch may go.
                begin = 0 if self.throttle.limits() else self.stride.size
                taken = outbox.take(session, lane, token, self.now(), MOST_ROWS[lane], begin)
                if taken is None:
                    return 0
                words = self._words(session, taken.letters)
                # Before the commit: a worker that dies right behind it has begun what its journal says never left.
                journal = Journal(self.journals, token, taken.lot)
            _Batch(self, lane, stop, taken, words, house, journal, began_at).run()
            settled = True
        finally:
            if journal:
                journal.close(settled=settled)
        return max(len(taken.letters), 1)

    def _words(self, session: Session, letters: Sequence[Letter]) -> dict[int, Words]:
        """The words of these letters. A revision never changes, so those of the last batch need no second look."""
        wanted = {letter.revision_id for letter in letters if letter.revision_id}
        known = {id: words for id, words in self.last_words.items() if id in wanted}
        if unread := wanted - known.keys():
            rows = session.scalars(select(Revision).where(Revision.id.in_(unread)))
            known |= {row.id: Words(row.subject, row.preheader, row.body) for row in rows}
        self.last_words = known
        return known


@dataclass
class _Batch:
    delivery: Delivery
    lane: Lane
    stop: Callable[[], bool]
    taken: Taken
    words: dict[int, Words]
    brand: Brand
    journal: Journal
    began_at: float
    """Before the claim: what it has begun is believed from here on, also by a process that was frozen behind it."""
    letters: dict[int, Letter] = field(init=False)
    unsent: set[int] = field(init=False)
    """What the transport has not asked for (yet): it has surely not left."""
    skeletons: dict[tuple[object, ...], Skeleton | None] = field(default_factory=dict)
    unbuildable: list[Verdict] = field(default_factory=list)
    unfit: Unfit = field(init=False)
    breaker: Breaker = field(init=False)
    no_relay: bool = False
    held: bool = False
    """The lot may not go on: its dispatch is held or has other words, or the lease is somebody else's."""
    budget: Budget = field(init=False)
    begun: set[int] = field(default_factory=set)
    stayed: set[int] = field(default_factory=set)
    """Pulled, but no relay would take it: it has not left."""
    written_at: float = field(default_factory=time.monotonic)
    refused: int = 0
    """Of what is known and not written down yet."""

    def __post_init__(self) -> None:
        self.letters = {letter.id: letter for letter in self.taken.letters}
        self.unsent = set(self.letters)
        self.budget = Budget(self.delivery.throttle, self.lane)
        self.breaker = Breaker(self.delivery.pause_at)
        self.unfit = Unfit()
        self._are_begun(self.taken.begun)

    def run(self) -> None:
        try:
            self._send()
        finally:
            self.budget.settle(self.unsent | self.stayed)

    def _send(self) -> None:
        known: list[SmtpResult] = []
        send, quotas, urgent = self.delivery.transport.send, self.budget.quotas, self.lane is Lane.TRANSACTIONAL
        for outcomes in send(self._envelopes(), self.journal, stop=self._stops, quotas=quotas, urgent=urgent):
            known += outcomes
            self.refused += sum([one.stage is not Stage.ACCEPTED for one in outcomes])
            if self._is_time():
                self._write(known)
                known = []
        self.budget.reconsider()
        self._write(known, last=True)

    def _is_time(self) -> bool:
        """Whether to write: some time has passed, or so much is refused that the breaker looks."""
        return time.monotonic() - self.written_at > WRITE_EVERY[self.lane] or self.refused >= RUN

    def _stops(self) -> bool:
        return self.no_relay or self.breaker.tripped or self.stop()

    def _envelopes(self) -> Iterator[Envelope]:
        waiting, stride = list(self.letters.values()), self.delivery.stride
        begun = self.taken.begun
        while waiting and not self.held:
            step = len(begun) or self.taken.at_once or stride.size
            some, waiting = waiting[:step], waiting[step:]
            began_at = time.monotonic()
            yield from self._begun_envelopes(self.budget.choose(some), begun)
            begun = set()
            if not self.taken.at_once:
                stride.learn(step, time.monotonic() - began_at)

    def _begun_envelopes(self, letters: Sequence[Letter], begun: set[int]) -> Iterator[Envelope]:
        """Mails of those letters that may go, which is asked in one commit, and again where that is some time ago.

        `begun`: what the claim has said already.
        """
        asked, now = self.began_at if begun else float("-inf"), self.delivery.now()
        for place, letter in enumerate(letters):
            if time.monotonic() - asked > BELIEVED:
                begun, now = self._begin([one.id for one in letters[place:]]), self.delivery.now()
                asked = time.monotonic()
            if letter.id in begun and (envelope := self._envelope(letter, now)):
                self.unsent.discard(letter.id)
                yield envelope

    def _begin(self, ids: Sequence[int]) -> set[int]:
        held = self.budget.held.keys()
        begun = self._persist(lambda session: self.taken.begin(session, ids, self.delivery.now(), held))
        self.held = isinstance(self.taken, outbox.TakenLot) and not begun
        self._are_begun(begun)
        return begun

    def _persist(self, change: Callable[[Session], T]) -> T:
        return persist(self.delivery.transaction, change, self.stop)

    def _are_begun(self, ids: set[int]) -> None:
        self.begun |= ids
        if ids:
            self.journal.begun(ids)

    def _envelope(self, letter: Letter, now: datetime) -> Envelope | None:
        if self.unfit.covers(letter):
            return None
        words = self.words.get(letter.revision_id or 0)
        try:
            skeleton = self._skeleton(letter, words)
            if skeleton:
                mail = skeleton.splice(letter, now)
            else:
                mail = self.delivery.renderer.compose(letter, self.brand, words, now)
        except BadArticle as error:
            self.unfit.add(letter, str(error), now)
            self.held = bool(self.taken.lot)  # nobody of a lot gets what cannot be put together
            return None
        except OSError as error:
            log.warning("mail could not be built", message=letter.id, error=str(error))
            words_for_owner = f"The mail could not be built: {error}"[:500]
            self.unbuildable.append(Verdict(letter.id, State.FAILED, 0, words_for_owner, ""))
            return None
        return Envelope(letter.id, mail.sender, mail.recipient, mail.data, True, mail.seven_bit)

    def _skeleton(self, letter: Letter, words: Words | None) -> Skeleton | None:
        """The skeleton this batch splices such letters into; None: they are composed one by one."""
        kind: tuple[object, ...] = (letter.dispatch_id, letter.revision_id)
        if letter.dispatch_id is None:
            if words is None or not letter.stream.is_bulk:
                return None
            kind = (letter.stream, letter.revision_id, letter.context.get("guide"))
        if kind not in self.skeletons:
            self.skeletons[kind] = self.delivery.renderer.compile(letter, self.brand, words)
        return self.skeletons[kind]

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
        # What no relay would take has not left: a lot keeps it as it is, a row is told when it is offered again.
        ours = [one for one in known if one.stage is not Stage.RELAY or not isinstance(self.taken, outbox.TakenLot)]
        verdicts, refusals = judge(session, self.letters, self.lane, ours, now, self.delivery.suppress)
        breaker = replace(self.breaker)  # this may be done twice
        if reason := breaker.watch(refusals):
            self._trip(session, reason, now)  # first: a dispatch is locked before its lots
        if last:
            self.unfit.settle(session, now)
            self._finish(session, [*verdicts, *self.unbuildable, *self.unfit.verdicts], now)
        else:
            self.taken.record(session, verdicts, now)
        delivery = self.delivery
        relays = delivery.transport.refusals()
        delivery.alarmed = alarms.watch(session, delivery.alarmed, known, verdicts, self.letters, relays, now)
        return breaker

    def _finish(self, session: Session, verdicts: Sequence[Verdict], now: datetime) -> None:
        """Give back what has not left: at once, or later where no relay would take it or a limit is used up."""
        held = self.budget.held
        not_before = now + RELAY_WAIT if self.no_relay else None
        if not not_before and held and held.keys() >= self.unsent:
            # Lots that wait for the same limit do not come back in the same moment.
            not_before = now + timedelta(seconds=min(held.values()) * random.uniform(1.0, 1.25))  # noqa: S311
        later = {id: now + timedelta(seconds=min(wait, ROW_PATIENCE)) for id, wait in held.items()}
        self.taken.finish(session, verdicts, now, self.unsent, not_before, later)
        # For when the lease ran out meanwhile. Of single messages those that stayed have just been told their turn.
        kept = self.begun & (self.unsent | self.stayed if self.taken.lot else self.unsent)
        outbox.put_back(session, self.taken.token, kept, now, of_lot=bool(self.taken.lot))

    def _slow_down(self, known: Sequence[SmtpResult]) -> None:
        """A receiver that says 4.7.x gets half from now on."""
        for domain in {domain_of(self.letters[one.key].email) for one in known if asks_to_slow_down(one)}:
            ours = sum(domain_of(letter.email) == domain for letter in self.letters.values())
            gone = ours - sum(domain_of(self.letters[id].email) == domain for id in self.unsent)
            self.delivery.throttle.slow_down(domain, gone / max(time.monotonic() - self.began_at, 1.0))

    def _trip(self, session: Session, reason: str, now: datetime) -> None:
        """Hold the campaign and tell the owner; everybody not yet sent to is still to send."""
        its = {letter.dispatch_id for letter in self.letters.values() if letter.dispatch_id}
        for dispatch in outbox.pause_open(session, its, reason):
            tell_owner(
                session, now, key=f"breaker:{dispatch}:{now:%Y%m%d%H%M%S}", title="A campaign has been paused",
                lines=[reason, "Nobody who has not been sent to is lost: resume it when the cause is known."],
                button="Look at it", path="/owner/campaigns",
            )  # fmt: skip
