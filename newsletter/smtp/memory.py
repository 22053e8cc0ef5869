"""A transport that keeps what it is given, for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from newsletter.smtp.envelope import Envelope, Journal, Quotas, RelayRefusal, SmtpResult, Stage, never


def accepted(envelope: Envelope) -> SmtpResult:
    """Answer like a server that accepts everything."""
    return SmtpResult(
        key=envelope.key,
        stage=Stage.ACCEPTED,
        code=250,
        enhanced="2.0.0",
        text="2.0.0 kept in memory",
        relay="memory:0",
        at_command=".",
    )


class SentList:
    """Keeps every envelope in `envelopes`, in order, and answers with `answer(envelope)`: ACCEPTED if not given."""

    def __init__(self, answer: Callable[[Envelope], SmtpResult] = accepted) -> None:
        self.envelopes: list[Envelope] = []
        self.closed = False
        self._answer = answer

    def send(
        self, envelopes: Iterator[Envelope] | Iterable[Envelope], journal: Journal, *,
        stop: Callable[[], bool] = never, quotas: Quotas | None = None, urgent: bool = False,
    ) -> Iterator[list[SmtpResult]]:  # fmt: skip
        """Keep the envelopes one by one, each a round of its own; its only relay is called memory:0."""
        source = iter(envelopes)
        while not stop():
            envelope = next(source, None)
            if envelope is None:
                return
            journal.sending([envelope.key])
            self.envelopes.append(envelope)
            if quotas and "memory:0" in quotas:
                quotas["memory:0"] -= 1
            results = [self._answer(envelope)]
            journal.results(results)
            yield results

    def refusals(self) -> Sequence[RelayRefusal]:
        """None: it never refuses."""
        return ()

    def close(self) -> None:
        """Set `closed`."""
        self.closed = True
