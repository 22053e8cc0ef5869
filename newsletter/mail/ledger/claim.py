"""Claims work, either single messages or a batch of a campaign, so that delivery treats both alike."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from sqlalchemy.orm import Session

from newsletter import installation
from newsletter.mail.ledger import batch_claims, counts, digest_claims, row_claims
from newsletter.mail.ledger.batch_outcomes import record_batch
from newsletter.mail.ledger.dispatch import BatchRange
from newsletter.mail.ledger.message import Lane
from newsletter.mail.ledger.record import Outcome, record
from newsletter.mail.ledger.row_claims import ClaimedMessage, OwnFields

NOTHING: Mapping[int, datetime] = MappingProxyType({})


class Claim(Protocol):
    """What a worker holds under one token and one lease."""

    @property
    def token(self) -> str:
        """The fencing token."""

    messages: list[ClaimedMessage]
    step: int
    """How many to mark as sending in one commit; 0: as many as go out quickly."""
    sending: set[int]
    """Messages the claim itself marked as sending: they may leave at once."""

    @property
    def batch(self) -> int | None:
        """The batch's id; None for single messages."""

    def mark_sending(
        self, session: Session, ids: Sequence[int], now: datetime, skipped: Collection[int] = ()
    ) -> set[int]:
        """Mark messages before any of them leaves; return the ids that may go. `skipped`: all held back so far."""

    def record(self, session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write outcomes, and renew the lease."""

    def finish(self, session: Session, outcomes: Sequence[Outcome], now: datetime, unsent: Collection[int],
               not_before: datetime | None, held: Mapping[int, datetime] = NOTHING) -> None:  # fmt: skip
        """Write the last outcomes, and release what was not sent.

        A batch may be claimed again at `not_before`, a single message at its time in `held`.
        """


@dataclass
class RowClaim:
    """Single messages, each waiting by itself."""

    token: str
    messages: list[ClaimedMessage]
    step: int = 20
    sending: set[int] = field(default_factory=set)
    batch: int | None = None

    def mark_sending(
        self, session: Session, ids: Sequence[int], now: datetime, skipped: Collection[int] = ()
    ) -> set[int]:
        """Mark each row; `skipped` is not needed here."""
        return row_claims.mark_sending(session, self.token, list(ids), now)

    def record(self, session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write outcomes, and renew the lease on the rows still held."""
        record(session, self.token, outcomes, now)
        row_claims.renew(session, self.token, self._ids, now)

    def finish(self, session: Session, outcomes: Sequence[Outcome], now: datetime, unsent: Collection[int],
               not_before: datetime | None, held: Mapping[int, datetime] = NOTHING) -> None:  # fmt: skip
        """Ignores `not_before`: where no relay could be reached, each row already has its new `due_at`."""
        record(session, self.token, outcomes, now)
        row_claims.postpone(session, self.token, held)
        row_claims.release(session, self.token, unsent, self._ids)

    @property
    def _ids(self) -> list[int]:
        return [message.id for message in self.messages]


@dataclass
class BatchClaim:
    """A batch of a dispatch."""

    range: BatchRange
    messages: list[ClaimedMessage]
    sending: set[int] = field(default_factory=set)
    step: int = 0

    @property
    def token(self) -> str:
        """The fencing token."""
        return self.range.token

    @property
    def batch(self) -> int | None:
        """The batch's id."""
        return self.range.id

    def mark_sending(
        self, session: Session, ids: Sequence[int], now: datetime, skipped: Collection[int] = ()
    ) -> set[int]:
        """Advance the batch's `sending_to`."""
        return batch_claims.mark_batch_sending(session, self.range, ids, now, skipped)

    def record(self, session: Session, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Renew the lease, and write outcomes even if another claim has taken over."""
        if not batch_claims.renew_batch(session, self.range, now):
            self._late(session, outcomes)
        record_batch(session, self.range, outcomes, now)

    def finish(self, session: Session, outcomes: Sequence[Outcome], now: datetime, unsent: Collection[int],
               not_before: datetime | None, held: Mapping[int, datetime] = NOTHING) -> None:  # fmt: skip
        """Ignores `unsent` and `held`: messages that were not sent are still `ready`."""
        ours = batch_claims.lock_batch(session, self.range)
        if not ours:
            self._late(session, outcomes)
        sent = record_batch(session, self.range, outcomes, now)
        if ours:
            batch_claims.release_batch(session, self.range, not_before, sent)

    def _late(self, session: Session, outcomes: Sequence[Outcome]) -> None:
        """Invalidate the counts of a batch that another claim has taken over: these outcomes change its rows."""
        counts.invalidate(session, [outcome.id for outcome in outcomes])


def claim(session: Session, lane: Lane, token: str, now: datetime, limit: int, mark: int = 0,
          own_fields: OwnFields = row_claims.no_own_fields) -> RowClaim | BatchClaim | None:  # fmt: skip
    """Claim what is due in a lane: up to `limit` single messages, else (bulk) one batch. None: nothing is due.

    The first `mark` messages of a batch are marked as sending at once. Under the send lock only mail that people have
    asked for is claimed.
    """
    above = installation.sends_above(session)
    if above is not None and lane is Lane.BULK:
        return None
    messages = row_claims.claim_rows(session, lane, token, now, limit, above, own_fields)
    if messages := digest_claims.still_wanted(session, messages, now):
        return RowClaim(token, messages)
    if lane is Lane.BULK and (claimed := batch_claims.claim_batch(session, token, now, mark, own_fields)):
        return BatchClaim(*claimed)
    return None
