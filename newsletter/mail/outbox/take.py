"""Taking work: messages that wait by themselves, or a lot of a campaign. Delivery treats both alike."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from sqlalchemy.orm import Session

from newsletter import installation
from newsletter.mail.outbox import claims, lots, tally
from newsletter.mail.outbox.claims import Letter
from newsletter.mail.outbox.dispatch import LotClaim
from newsletter.mail.outbox.lot_outcomes import record_lot
from newsletter.mail.outbox.message import Lane
from newsletter.mail.outbox.record import Verdict, record

NOTHING: Mapping[int, datetime] = MappingProxyType({})


class Taken(Protocol):
    """What one claim holds."""

    @property
    def token(self) -> str:
        """The claim's fencing token."""

    letters: list[Letter]
    at_once: int
    """How many are begun in one commit; 0: as many as go out quickly."""
    begun: set[int]
    """What the claim itself has begun: it may leave at once."""

    @property
    def lot(self) -> int | None:
        """The lot's number, where it is one."""

    def begin(self, session: Session, ids: Sequence[int], now: datetime, kept_back: Collection[int] = ()) -> set[int]:
        """Mark as handed over before anything leaves; the ids that may go. `kept_back`: all that do not, so far."""

    def record(self, session: Session, verdicts: Sequence[Verdict], now: datetime) -> None:
        """Write outcomes, and prolong the lease."""

    def finish(self, session: Session, verdicts: Sequence[Verdict], now: datetime, unsent: Collection[int],
               not_before: datetime | None, held: Mapping[int, datetime] = NOTHING) -> None:  # fmt: skip
        """Write the last outcomes and give back what never left.

        A lot may be taken again at `not_before`, a message that is `held` at its time.
        """


@dataclass
class TakenRows:
    """Messages claimed one by one."""

    token: str
    letters: list[Letter]
    at_once: int = 20
    begun: set[int] = field(default_factory=set)
    lot: int | None = None

    def begin(self, session: Session, ids: Sequence[int], now: datetime, kept_back: Collection[int] = ()) -> set[int]:
        """See `Taken`."""
        return claims.begin(session, self.token, list(ids), now)

    def record(self, session: Session, verdicts: Sequence[Verdict], now: datetime) -> None:
        """See `Taken`."""
        record(session, self.token, verdicts, now)
        claims.keep(session, self.token, self._ids, now)

    def finish(self, session: Session, verdicts: Sequence[Verdict], now: datetime, unsent: Collection[int],
               not_before: datetime | None, held: Mapping[int, datetime] = NOTHING) -> None:  # fmt: skip
        """See `Taken`; where no relay could be reached, each row already says when it is offered again."""
        record(session, self.token, verdicts, now)
        claims.postpone(session, self.token, held)
        claims.release(session, self.token, unsent, self._ids)

    @property
    def _ids(self) -> list[int]:
        return [letter.id for letter in self.letters]


@dataclass
class TakenLot:
    """A lot of a dispatch."""

    claim: LotClaim
    letters: list[Letter]
    begun: set[int] = field(default_factory=set)
    at_once: int = 0

    @property
    def token(self) -> str:
        """See `Taken`."""
        return self.claim.token

    @property
    def lot(self) -> int | None:
        """See `Taken`."""
        return self.claim.id

    def begin(self, session: Session, ids: Sequence[int], now: datetime, kept_back: Collection[int] = ()) -> set[int]:
        """See `Taken`."""
        return lots.begin_lot(session, self.claim, ids, now, kept_back)

    def record(self, session: Session, verdicts: Sequence[Verdict], now: datetime) -> None:
        """See `Taken`."""
        if not lots.keep_lot(session, self.claim, now):
            self._late(session, verdicts)
        record_lot(session, self.claim, verdicts, now)

    def finish(self, session: Session, verdicts: Sequence[Verdict], now: datetime, unsent: Collection[int],
               not_before: datetime | None, held: Mapping[int, datetime] = NOTHING) -> None:  # fmt: skip
        """See `Taken`; `unsent` are still `ready` and need nothing."""
        ours = lots.hold_lot(session, self.claim)
        if not ours:
            self._late(session, verdicts)
        sent = record_lot(session, self.claim, verdicts, now)
        if ours:
            lots.release_lot(session, self.claim, not_before, sent)

    def _late(self, session: Session, verdicts: Sequence[Verdict]) -> None:
        """These go onto rows of a lot that is not ours any more."""
        tally.strike_out(session, [verdict.id for verdict in verdicts])


def take(session: Session, lane: Lane, token: str, now: datetime, limit: int,
         begin: int = 0) -> TakenRows | TakenLot | None:  # fmt: skip
    """Claim what is due in a lane: up to `limit` messages that wait by themselves, else (bulk) one lot.

    Of a lot the first `begin` are begun at once. Under the send lock only what people ask for themselves is claimed.
    """
    above = installation.sends_above(session)
    if above is not None and lane is Lane.BULK:
        return None
    if letters := claims.claim(session, lane, token, now, limit, above):
        return TakenRows(token, letters)
    if lane is Lane.BULK and (taken := lots.claim_lot(session, token, now, begin)):
        return TakenLot(*taken)
    return None
