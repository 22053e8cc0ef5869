"""Postfix's smtp-source, the yardstick: what is on PATH, else out of Debian's package, which is never installed."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import sink
from bench.folders import CACHE
from bench.sink import Taken

SESSIONS = 16
OCTETS = 11_000
PATIENCE = 300.0  # seconds for one run
DOWNLOAD = 60.0


@dataclass(frozen=True)
class Source:
    """The program, and where its libraries are."""

    program: Path
    libraries: Path | None

    def run(self, messages: int, delay_ms: float) -> Taken:
        """Send so many mails, each to another recipient, over 16 sessions; what a sink of its own took."""
        env = {**os.environ, **({"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {})}
        with sink.running(delay_ms=delay_ms) as target:
            subprocess.run(
                [self.program, "-d", "-N", "-s", str(SESSIONS), "-l", str(OCTETS), "-m", str(messages),
                 "-f", "sender@example.org", "-t", "reader@example.org", f"inet:127.0.0.1:{target.port}"],
                check=True, env=env, timeout=PATIENCE, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            return target.taken()


def find() -> Source | None:
    """The program; None where it cannot be had, and then there are no ratios."""
    if on_path := shutil.which("smtp-source", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
        return Source(Path(on_path), None)
    unpacked = CACHE / "postfix"
    source = Source(unpacked / "usr" / "sbin" / "smtp-source", unpacked / "usr" / "lib" / "postfix")
    if not source.program.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        _unpack(unpacked)
    return source if source.program.exists() else None


def _unpack(into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    try:
        _quietly(into, "apt-get", "download", "postfix")
        for package in into.glob("postfix_*.deb"):
            _quietly(into, "dpkg-deb", "-x", package.name, ".")
    except (subprocess.SubprocessError, OSError):
        return  # offline, or no package list: the run goes on without a yardstick and says so


def _quietly(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, timeout=DOWNLOAD, check=True, capture_output=True)
