"""Launching campaigns: writing recipients, the first mail, and how both scale."""

import sqlite3
from contextlib import ExitStack
from datetime import UTC, datetime

import psycopg

from bench import campaign, installation, people, postgres, sink
from bench.campaign import Run
from bench.report import Table, whole
from bench.run_size import Size

HEADS = ("recipients", "written in s", "rows/s", "first mail after s", "msg/s", "CPU µs/msg", "peak MB", "exactly once")
FILLED = (
    "SELECT campaigns.launched_at, dispatches.filled_at FROM campaigns "
    "JOIN dispatches ON dispatches.id = campaigns.dispatch_id WHERE campaigns.id = {}"
)
"""When the campaign was launched and when its last recipient was written."""


def launch(size: Size) -> list[Table]:
    """One installation per database, with a list that grows from campaign to campaign."""
    return [
        _table(database, size.growth) for database in (("PostgreSQL",) if size.is_quick else ("PostgreSQL", "SQLite"))
    ]


def _table(database: str, growth: tuple[int, ...]) -> Table:
    table = Table(f"Launch and growth on {database}", HEADS)
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server()) if database == "PostgreSQL" else None
        target = stack.enter_context(sink.running())
        product = stack.enter_context(installation.running(target.port, server.url if server else ""))
        there = 0
        for number in growth:
            people.add(product.url, there + 1, number + 1)
            there = number
            run = campaign.run(product, target, number, server.process if server else 0)
            table.rows.append(_row(run, _filling(product.url, run.campaign)))
    table.notes.append(
        "Recipients are written while the workers send already. The first mail is counted from the scheduled second, "
        "the wait for the beat included. Peak MB is of the largest bulk worker, in one product that is never restarted."
    )
    return table


def _row(run: Run, filling: float) -> list[str]:
    return [
        whole(run.people), f"{filling:.2f}", whole(run.people / filling), f"{run.first:.2f}", whole(run.taken.rate),
        f"{run.cpu_us(run.cpu.all):.1f}", f"{run.peak_rss:.0f}", "yes" if run.is_exact else "**NO**",
    ]  # fmt: skip


def _filling(url: str, number: int) -> float:
    """Seconds from the launch until the last recipient was written."""
    if url.startswith("sqlite:///"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)
        launched, filled = connection.execute(FILLED.format(number)).fetchone()
        connection.close()
        return (_moment(filled) - _moment(launched)).total_seconds()
    with psycopg.connect(url) as found:
        row = found.execute(FILLED.format(number).encode()).fetchone()
    assert row is not None
    return float((row[1] - row[0]).total_seconds())


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
