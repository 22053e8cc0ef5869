"""Process and machine statistics from proc(5). Linux only, like the sink."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
KINDS = {
    "redis-server": "redis", "valkey-server": "redis", "bulk@": "bulk", "transactional@": "transactional",
    "granian": "web", "celery beat": "beat", "newsletter: mailbox": "mailbox",
    "newsletter: supervisor": "supervisor",
}  # fmt: skip
"""Substring of the command line → part of the program."""


@dataclass(frozen=True)
class Process:
    """One live process. `cpu`: user and kernel seconds, including ended children."""

    id: int
    parent: int
    command: str
    cpu: float

    @property
    def kind(self) -> str:
        """Which part of the program it is."""
        return next((kind for word, kind in KINDS.items() if word in self.command), "other")

    @property
    def pss(self) -> float:
        """Proportional set size in MB (a page shared by n processes counts 1/n); 0 if it has ended."""
        try:
            lines = Path(f"/proc/{self.id}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0.0
        return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("Pss:")), 0.0)

    @property
    def peak_rss(self) -> float:
        """Peak resident memory in MB (10⁶ octets); 0 if it has ended."""
        try:
            status = Path(f"/proc/{self.id}/status").read_text()
        except OSError:
            return 0.0
        line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
        return int(line.split()[1]) * 1024 / 1e6


@dataclass(frozen=True)
class Cpu:
    """CPU seconds of the program, Redis and PostgreSQL."""

    product: float
    redis: float
    postgres: float

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.product - other.product, self.redis - other.redis, self.postgres - other.postgres)

    @property
    def all(self) -> float:
        """The total."""
        return self.product + self.redis + self.postgres


def cpu(supervisor: int, postmaster: int) -> Cpu:
    """CPU used so far by an installation and its PostgreSQL, given the pids of their first processes (0: none)."""
    found = family(supervisor)
    redis = sum(one.cpu for one in found if one.kind == "redis")
    product = sum(one.cpu for one in found) - redis
    return Cpu(product, redis, sum(one.cpu for one in family(postmaster)) if postmaster else 0.0)


def bulk_workers(supervisor: int) -> list[Process]:
    """The processes that deliver campaigns: the pool's children, without their parent."""
    bulk = [one for one in family(supervisor) if one.kind == "bulk"]
    ids = {one.id for one in bulk}
    return [one for one in bulk if one.parent in ids]


def family(root: int) -> list[Process]:
    """A process and all its descendants."""
    known = {one.id: one for one in _all()}
    ids = {root}
    while grown := {id for id, one in known.items() if one.parent in ids} - ids:
        ids |= grown
    return [known[id] for id in ids if id in known]


def _all() -> Iterator[Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        yield Process(int(folder.name), int(fields[1]), command, sum(map(int, fields[11:15])) / TICK)


def description() -> str:
    """Cores, CPU, memory, kernel and Python of this machine."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    total = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return (
        f"{os.cpu_count()} cores ({names[0] if names else platform.machine()}), {total / 1024**2:.0f} GiB of memory, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def load() -> float:
    """The load average of the last minute; above 0.5 before a run, results are noisy."""
    return os.getloadavg()[0]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
