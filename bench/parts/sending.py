"""Campaign throughput compared with smtp-source in alternating runs; relay local and 10 ms away, both databases."""

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median

from bench import campaign, installation, people, postgres, sink, source
from bench.campaign import Run
from bench.report import Table, whole
from bench.run_size import CHUNKING, Size
from bench.sink import Taken
from bench.source import Source

WARM_UP = 500
"""Recipients of a first campaign that is not counted."""
HEADS = ("", "msg/s", "ratio", "CPU µs/msg", "product", "Redis", "PostgreSQL", "peak MB", "octets", "exactly once")


NEAR = ("PostgreSQL", f"PostgreSQL{CHUNKING}", "SQLite")


def near(size: Size) -> list[Table]:
    """A local sink that answers at once."""
    return [_table("Campaign, the relay on this machine", size, size.people, size.people, 0.0, NEAR)]


def distant(size: Size) -> list[Table]:
    """A sink whose replies take 10 ms."""
    return [
        _table("Campaign, the relay 10 ms away", size, size.people_far, size.yardstick_far, 10.0, size.databases_far)
    ]


def _table(title: str, size: Size, number: int, yardstick: int, delay_ms: float,
           databases: Sequence[str]) -> Table:  # fmt: skip
    table = Table(f"{title} ({whole(number)} recipients, median of {size.rounds})", HEADS)
    program = source.find()
    measured: list[Taken] = []
    campaigns: dict[str, list[Run]] = {}
    for database in databases:
        runs = campaigns.setdefault(database, [])
        with ExitStack() as stack:
            server = stack.enter_context(postgres.server()) if database.startswith("PostgreSQL") else None
            target = stack.enter_context(sink.running(delay_ms=delay_ms, chunking=database.endswith(CHUNKING)))
            product = stack.enter_context(installation.running(target.port, server.url if server else ""))
            postmaster = server.process if server else 0
            people.add(product.url, 1, WARM_UP + 1)
            campaign.run(product, target, WARM_UP, postmaster)
            people.add(product.url, WARM_UP + 1, number + 1)
            for _ in range(size.rounds):
                measured.append(program.run(yardstick, delay_ms))
                runs.append(campaign.run(product, target, number, postmaster))
    base = median(taken.rate for taken in measured)
    table.rows.append([program.name, whole(base), "1.00", *["–"] * 5, whole(measured[-1].mean_octets), "–"])
    table.rows += [_row(f"newsletter on {database}", runs, base) for database, runs in campaigns.items()]
    _explain(table, program, yardstick)
    return table


def _row(name: str, runs: Sequence[Run], base: float) -> list[str]:
    rate = median(run.taken.rate for run in runs)
    used = zip(*((run.cpu.all, run.cpu.product, run.cpu.redis, run.cpu.postgres) for run in runs), strict=True)
    costs = [f"{runs[0].cpu_us(median(part)):.1f}" for part in used]
    return [
        name, whole(rate), f"**{rate / base:.2f}**", *costs,
        f"{max(run.peak_rss for run in runs):.0f}", whole(runs[-1].taken.mean_octets),
        "yes" if all(run.is_exact for run in runs) else "**NO**",
    ]  # fmt: skip


def _explain(table: Table, program: Source, messages: int) -> None:
    table.notes.append(
        f"The yardstick is {program.name} with {source.SESSIONS} sessions and {whole(messages)} mails of "
        f"{whole(source.OCTETS)} octets, in turns with the campaigns; the ratio is to its median over all of them."
    )
    if program.name != "smtp-source":
        table.notes.append("(smtp-source is not to be had on this machine; our client speaks as it does.)")
