"""The program's CPU and memory when idle, and its peak memory in a campaign."""

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack

from bench import campaign, installation, machine, people, postgres, sink
from bench.installation import Installation
from bench.postgres import Postgres
from bench.report import Table, whole
from bench.run_size import Size

SETTLING = 40.0
"""Seconds of warm-up after the start."""
LOOK = 1.0


def idle(size: Size) -> list[Table]:
    """On both databases, with default settings; without the database server's own processes."""
    return [_table(database, size) for database in ("PostgreSQL", "SQLite")]


def _table(database: str, size: Size) -> Table:
    seconds = 20.0 if size.is_quick else 120.0
    table = Table(f"The whole product, idle, on {database}", ("", "processes", "PSS MB", "% of a core"))
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server()) if database == "PostgreSQL" else None
        target = stack.enter_context(sink.running())
        product = stack.enter_context(installation.running(target.port, server.url if server else ""))
        time.sleep(SETTLING)
        before, begun = _cpu(product, server), time.monotonic()
        time.sleep(seconds)
        after, passed = _cpu(product, server), time.monotonic() - begun
        for kind, (count, pss) in sorted(_memory(product).items(), key=lambda one: -one[1][1]):
            table.rows.append([kind, str(count), f"{pss:.0f}", f"{(after[kind] - before[kind]) / passed * 100:.2f}"])
        table.rows.append(_sum(table))
        if server:
            used = (after["postgres"] - before["postgres"]) / passed * 100
            table.rows.append(["PostgreSQL", "–", "–", f"{used:.2f}"])
        number = size.growth[-1]
        people.add(product.url, 1, number + 1)
        peak = _in_a_campaign(product, target, number)
    table.notes.append(f"CPU in {seconds:.0f} seconds. In a campaign to {whole(number)}: {peak:.0f} MB at the most.")
    return table


def _sum(table: Table) -> list[str]:
    _, processes, memory, cpu = zip(*table.rows, strict=True)
    return ["all", str(sum(map(int, processes))), whole(sum(map(float, memory))), f"{sum(map(float, cpu)):.2f}"]


def _cpu(product: Installation, server: Postgres | None) -> dict[str, float]:
    used: dict[str, float] = defaultdict(float)
    for one in machine.family(product.supervisor):
        used[one.kind] += one.cpu
    if server:
        used["postgres"] = sum(one.cpu for one in machine.family(server.process))
    return used


def _memory(product: Installation) -> dict[str, tuple[int, float]]:
    """Number of processes and PSS in MB, by part."""
    found: dict[str, tuple[int, float]] = {}
    for one in machine.family(product.supervisor):
        count, pss = found.get(one.kind, (0, 0.0))
        found[one.kind] = (count + 1, pss + one.pss)
    return found


def _in_a_campaign(product: Installation, target: sink.Sink, number: int) -> float:
    """Peak total memory in MB."""
    peak = 0.0

    def watch(going_out: Callable[[], bool]) -> None:
        nonlocal peak
        while going_out():
            peak = max(peak, sum(pss for _, pss in _memory(product).values()))
            time.sleep(LOOK)

    campaign.run(product, target, number, 0, meanwhile=watch)
    return peak
