"""Run the benchmark: `python bench/run.py [--quick] [--recipients N] [--only NAME …] [--record]`.

It starts a private sink, PostgreSQL and installation, and removes them at the end or on Ctrl-C.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import machine, postgres, report, run_size
from bench.compiler import NoCompiler
from bench.installation import Broken
from bench.parts.building import building
from bench.parts.first_mail import first_mail
from bench.parts.idle import idle
from bench.parts.importing import importing
from bench.parts.latency import latency
from bench.parts.launch import launch
from bench.parts.ledger import ledger
from bench.parts.owner import owner
from bench.parts.sending import distant, near
from bench.parts.series import series
from bench.parts.session_limits import relay_limits
from bench.parts.studio import studio
from bench.parts.task import task
from bench.postgres import NoPostgres
from bench.report import Table
from bench.run_size import Size
from bench.sink import NoSink

QUIET = 0.5
BUSY = ": **the machine was busy with other work, so the figures are noisy and too low**"
PARTS: dict[str, Callable[[Size], list[Table]]] = {
    "near": near, "distant": distant, "launch": launch, "latency": latency, "task": task, "ledger": ledger,
    "series": series, "building": building, "relay-limits": relay_limits, "idle": idle, "first-mail": first_mail,
    "owner": owner, "studio": studio, "importing": importing,
}  # fmt: skip


def main(words: Sequence[str]) -> int:
    """Run the requested parts, print and save their tables; returns the exit code: 0 if all were measured, else 1."""
    asked = _arguments(words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun, broken = time.monotonic(), 0
    size = (run_size.quick if asked.quick else run_size.full)(asked.recipients or (20_000 if asked.quick else 100_000))
    said = [_preamble(words)]
    print(said[0], flush=True)
    try:
        for name in asked.only or PARTS:
            text, failed = _part(name, size)
            broken += failed
            said.append(text)
            print(text, flush=True)
            report.write("\n".join(said))
    except KeyboardInterrupt:
        print("\nStopped; everything it started has ended.")
        return 130
    minutes = (time.monotonic() - begun) / 60
    said.append(f"Measured in {minutes:.1f} minutes; load average at the end {machine.load():.1f}.")
    print(said[-1])
    report.write("\n".join(said))
    if asked.record and not broken:
        report.record("\n".join(said))
    return 1 if broken else 0


def _part(name: str, size: Size) -> tuple[str, bool]:
    """A part's tables, and whether it failed; a failure does not stop the other parts."""
    begun = time.monotonic()
    try:
        text = "\n".join(map(str, PARTS[name](size)))
    except (Broken, NoCompiler, NoPostgres, NoSink) as error:
        return f"### {name}\n\nNot measured: {error}\n", True
    except (AttributeError, TypeError, ImportError) as error:  # parts that call internal functions
        return f"### {name}\n\nNot measured, for what it calls has changed: {error}\n", True
    print(f"({name}: {time.monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)
    return text, False


def _preamble(words: Sequence[str]) -> str:
    load = machine.load()
    with postgres.server() as server:
        version = server.version
    return "\n".join(
        [
            f"`python bench/run.py {' '.join(words)}`".replace(" `", "`"),
            "",
            f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC; {machine.description()}, PostgreSQL {version} (fsync and "
            f"synchronous_commit on). Load average before the run: {load:.1f}{BUSY if load > QUIET else ''}.",
            "",
        ]
    )


def _arguments(words: Sequence[str]) -> Any:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the whole product from outside.")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: about ten minutes")
    parser.add_argument("--recipients", type=int, help="recipients of a campaign (100000; quick: 20000)")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME", help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--record", action="store_true", help="write the tables into docs/benchmarks.md")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
