"""Measures one campaign from outside: at the sink, in /proc, and by `campaign status`."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench import machine
from bench.installation import Broken, Installation
from bench.machine import Cpu
from bench.sink import Sink, Taken

LONGEST = 600.0  # seconds for one campaign
SETTLING = 1.5
"""Seconds after the last mail while outcomes are still written, whose CPU time belongs to the campaign."""
RECORDED_WITHIN = 30.0
LOOK = 0.05
TRIES = 3


@dataclass(frozen=True)
class Run:
    """Measurements of one campaign. `first`: seconds from its scheduled time to the first mail at the sink."""

    campaign: int
    people: int
    taken: Taken
    cpu: Cpu
    first: float
    peak_rss: float
    is_exact: bool
    """Whether everybody got exactly one copy, and `campaign status` agrees."""

    def cpu_us(self, seconds: float) -> float:
        """CPU seconds converted to µs per message."""
        return seconds / self.people * 1e6


def run(product: Installation, sink: Sink, people: int, postmaster: int,
        meanwhile: Callable[[Callable[[], bool]], None] | None = None) -> Run:  # fmt: skip
    """Send to everybody and wait until it is over. Raises Broken if it does not end.

    `meanwhile` is called at the first mail, with a function that tells whether the campaign is still going out.
    """
    campaign, at = _scheduled(product)
    sink.forget()
    time.sleep(at - time.time())
    before = machine.cpu(product.supervisor, postmaster)
    wait(product, lambda: sink.taken().messages > 0)
    if meanwhile:
        meanwhile(lambda: sink.taken().messages < people)
    wait(product, lambda: sink.taken().messages >= people)
    time.sleep(SETTLING)
    used = machine.cpu(product.supervisor, postmaster) - before
    taken = sink.taken()
    peak = max((one.peak_rss for one in machine.bulk_workers(product.supervisor)), default=0.0)
    return Run(campaign, people, taken, used, taken.first - at, peak,
               taken.is_exactly(people) and _is_recorded(product, campaign, people))  # fmt: skip


def _scheduled(product: Installation) -> tuple[int, float]:
    """Schedule a campaign in the future; one whose time has already passed on a busy machine is replaced."""
    for _ in range(TRIES):
        campaign, at = product.schedule()
        if time.time() < at:
            return campaign, at
        product.command("campaign", "cancel", str(campaign))
        time.sleep(SETTLING)
    raise Broken("`campaign send` takes longer than the campaign is ahead: the machine is overloaded")


def wait(product: Installation, what: Callable[[], bool]) -> None:
    """Wait until `what` returns true. Raises Broken after `LONGEST`, or if the program ends."""
    until = time.monotonic() + LONGEST
    while not what():
        if time.monotonic() > until or product.process is None or product.process.poll() is not None:
            raise Broken(f"the campaign did not end.\n{product.logs()}")
        time.sleep(LOOK)


def _is_recorded(product: Installation, campaign: int, people: int) -> bool:
    until = time.monotonic() + RECORDED_WITHIN
    while True:
        status = product.status(campaign)
        if status["recipients"] == status["sent"] == people:
            return True
        if time.monotonic() > until:
            return False
