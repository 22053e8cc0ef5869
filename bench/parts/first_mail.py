"""The time until the first mail reaches the relay, and its share of a campaign."""

import time
from contextlib import ExitStack

from bench import campaign, installation, people, postgres, sink
from bench.installation import Installation
from bench.report import Table, percentile, whole
from bench.run_size import Size
from bench.sink import Sink

FEW = 100
"""Recipients per small campaign."""
HEADS = ("", "campaigns", "p50 s", "p95 s", "longest s")
WHOLE_HEADS = ("recipients", "first mail after s", "sending alone s", "from the command s", "ratio")


def first_mail(size: Size) -> list[Table]:
    """On PostgreSQL: from the scheduled time, and from the command for an immediate campaign."""
    few = Table(f"The first mail of a campaign to {FEW}", HEADS)
    all_out = Table("From the command to the last mail", WHOLE_HEADS)
    rounds = 5 if size.is_quick else 20
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server())
        target = stack.enter_context(sink.running())
        product = stack.enter_context(installation.running(target.port, server.url))
        people.add(product.url, 1, FEW + 1)
        campaign.run(product, target, FEW, 0)  # warm-up, not counted
        scheduled = [campaign.run(product, target, FEW, 0).first for _ in range(rounds)]
        at_once = [_at_once(product, target, FEW) for _ in range(rounds)]
        few.rows.append(_row("from the scheduled second", scheduled))
        few.rows.append(_row("from the start of `newsletter campaign send`", [first for _, first, _ in at_once]))
        few.rows.append(_row("of which that command itself", [command for command, _, _ in at_once]))
        people.add(product.url, FEW + 1, size.people + 1)
        for _ in range(size.rounds):
            _, first, last = _at_once(product, target, size.people)
            seconds = (first, last - first, last, last / (last - first))
            all_out.rows.append([whole(size.people), *(f"{each:.2f}" for each in seconds)])
    return [few, all_out]


def _at_once(product: Installation, target: Sink, number: int) -> tuple[float, float, float]:
    """Seconds from the start of the command to its end, to the first mail, and to the last."""
    target.forget()
    begun = time.time()
    product.send_now()
    command = time.time() - begun
    campaign.wait(product, lambda: target.taken().messages >= number)
    taken = target.taken()
    time.sleep(campaign.SETTLING)
    return command, taken.first - begun, taken.last - begun


def _row(name: str, seconds: list[float]) -> list[str]:
    p50, p95 = (f"{percentile(seconds, percent):.2f}" for percent in (50, 95))
    return [name, str(len(seconds)), p50, p95, f"{max(seconds):.2f}"]
