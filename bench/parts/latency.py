"""Latency people notice: the guide after confirming, a page, and a tracked link; idle and during a campaign."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench import campaign, installation, people, postgres, sink, visitors
from bench.installation import Installation
from bench.report import Table, ms, whole
from bench.run_size import Size
from bench.sink import Sink
from bench.visitors import PATIENCE, PREFIX, Askers, Link

ASKERS_A_SECOND, READERS_A_SECOND, FOLLOWERS_A_SECOND = 10.0, 20.0, 10.0
CAMPAIGNS = 6
"""At most, however short they are."""
HEADS = (
    "", "samples", "guide p50 ms", "guide p99 ms", "lost", "samples", "page p50 ms", "page p99 ms",
    "samples", "click p50 ms", "click p95 ms",
)  # fmt: skip


@dataclass
class Seen:
    """Latencies in seconds. `lost`: guides that did not arrive in time."""

    guides: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    lost: int = 0


def latency(size: Size) -> list[Table]:
    """On PostgreSQL; the campaign is repeated until there are enough samples."""
    table = Table(f"A guide and a page, under campaigns to {whole(size.people_meanwhile)}", HEADS)
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server())
        target = stack.enter_context(sink.running(stamp=PREFIX))
        product = stack.enter_context(installation.running(target.port, server.url))
        people.add(product.url, 1, size.people_meanwhile + 1)
        askers = Askers(product, 2 * size.samples + 20 + size.people_meanwhile // 1_000)
        _visit(product, target, askers, lambda count: count < 20)  # warm-up of both web processes
        idle = _visit(product, target, askers, lambda count: count < size.samples)
        busy = Seen()
        for _ in range(CAMPAIGNS):
            if len(busy.guides) < size.samples and askers.left:
                _under_campaign(product, target, askers, size.people_meanwhile, busy)
    table.rows += [_row("idle", idle), _row("under a campaign", busy)]
    table.notes.append(
        f"From the POST of the button to the last octet at the sink; {ASKERS_A_SECOND:.0f} askers and "
        f"{READERS_A_SECOND:.0f} readers of the first page and {FOLLOWERS_A_SECOND:.0f} followers of a counted link a "
        "second, whether or not the one before was served. "
        "Only those who came while the campaign went out are counted."
    )
    return [table]


def _under_campaign(product: Installation, target: Sink, askers: Askers, number: int, seen: Seen) -> None:
    def probe(going_out: Callable[[], bool]) -> None:
        found = _visit(product, target, askers, lambda count: bool(askers.left) and going_out())
        seen.guides += found.guides
        seen.pages += found.pages
        seen.clicks += found.clicks
        seen.lost += found.lost

    # The run's own figures are not used, because the sink also counts the visitors' mails.
    campaign.run(product, target, number, 0, meanwhile=probe)


def _visit(product: Installation, target: Sink, askers: Askers, goes_on: Callable[[int], bool]) -> Seen:
    seen, over, link = Seen(), False, Link(product)
    askers.asked.clear()
    with ThreadPoolExecutor(2) as aside:
        meanwhile = [
            aside.submit(visitors.arrive, act, a_second, lambda _: not over)
            for act, a_second in (
                (lambda number: seen.pages.append(visitors.read_page(product, number)), READERS_A_SECOND),
                (lambda number: seen.clicks.append(link.follow(number)), FOLLOWERS_A_SECOND),
            )
        ]
        try:
            pressed = visitors.arrive(askers.press, ASKERS_A_SECOND, goes_on)
        finally:
            over = True
        for one in (*pressed, *(one for group in meanwhile for one in group.result())):
            one.result()
    for email, asked in askers.asked.items():
        came = target.stamped(email, PATIENCE)
        if came is None:
            seen.lost += 1
        else:
            seen.guides.append(came - asked)
    return seen


def _row(name: str, seen: Seen) -> list[str]:
    return [
        name, whole(len(seen.guides)), ms(seen.guides, 50), ms(seen.guides, 99), str(seen.lost),
        whole(len(seen.pages)), ms(seen.pages, 50), ms(seen.pages, 99),
        whole(len(seen.clicks)), ms(seen.clicks, 50), ms(seen.clicks, 95),
    ]  # fmt: skip
