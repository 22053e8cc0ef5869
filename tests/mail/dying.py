"""Transports over which the worker dies, as by kill -9."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest
from sqlalchemy import select

from newsletter import feedback
from newsletter.mail import recovery
from newsletter.mail.ledger import Lane, Message, State
from newsletter.runtime import Runtime
from newsletter.smtp import Envelope, Journal, SmtpResult, Stage


class KilledError(Exception):
    """Stands for kill -9: nothing after it runs in the dead worker but what the kernel does."""


class Dying:
    """A transport that takes `accepted` messages, puts `flying` more on the wire, and dies."""

    def __init__(self, accepted: int, flying: int) -> None:
        self.copies: Counter[int] = Counter()
        self._accepted, self._flying = accepted, flying

    def send(
        self,
        envelopes: Iterable[Envelope],
        journal: Journal,
        *,
        stop: Callable[[], bool] = lambda: False,
        quotas: dict[str, int] | None = None,
        urgent: bool = False,
    ) -> Iterator[list[SmtpResult]]:
        for number, one in enumerate(envelopes):
            journal.sending([one.key])
            self.copies[one.key] += 1
            if number >= self._accepted:
                if number == self._accepted + self._flying - 1:
                    raise KilledError
                continue
            journal.results([SmtpResult(one.key, Stage.ACCEPTED, 250, "2.0.0", "2.0.0 ok", "mx:25", ".")])
        yield []

    def refusals(self) -> tuple[()]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


class LosingOne:
    """The first message is lost after the last dot, the second put off, and over the third it dies."""

    answers: tuple[tuple[Stage, int, str, str, str], ...] = (
        (Stage.LOST_AFTER, 0, "", "gone", "."),
        (Stage.REJECTED, 451, "4.2.0", "4.2.0 later", "RCPT"),
    )

    def send(
        self,
        envelopes: Iterable[Envelope],
        journal: Journal,
        *,
        stop: Callable[[], bool] = lambda: False,
        quotas: dict[str, int] | None = None,
        urgent: bool = False,
    ) -> Iterator[list[SmtpResult]]:
        for one, (stage, code, enhanced, text, at) in zip(envelopes, self.answers, strict=False):
            journal.sending([one.key])
            outcome = SmtpResult(one.key, stage, code, enhanced, text, "mx:25", at)
            journal.results([outcome])
            yield [outcome]
        raise KilledError

    def refusals(self) -> tuple[()]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


def counts(runtime: Runtime) -> Counter[State]:
    """How many messages stand where."""
    with runtime.database.reading() as session:
        return Counter(session.scalars(select(Message.state)))


def die(runtime: Runtime, lane: Lane, accepted: int, flying: int) -> Dying:
    """Deliver a batch with a worker that dies over it."""
    runtime.transport = dying = Dying(accepted, flying)
    with pytest.raises(KilledError):
        runtime.delivery.run(lane)
    return dying


def replay(runtime: Runtime) -> tuple[int, int]:
    """What the next worker of the host does first."""
    return recovery.replay(runtime.journals, runtime.database.transaction, runtime.clock.now(), feedback.suppress)
