"""The reference client: smtp-source from PATH or unpacked from Debian's postfix package, else our `client.c`."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import sink
from bench.compiler import built
from bench.folders import CACHE
from bench.sink import Taken

SESSIONS = 16
OCTETS = 11_000
PATIENCE = 300.0  # seconds for one run
DOWNLOAD = 60.0
SYSTEM = "/usr/sbin:/usr/local/sbin"


@dataclass(frozen=True)
class Source:
    """The program and the folder of its libraries."""

    program: Path
    libraries: Path | None = None

    @property
    def name(self) -> str:
        """Its name in the tables."""
        return self.program.name if self._is_postfix else "our own client"

    def run(self, messages: int, delay_ms: float) -> Taken:
        """Send mails, each to another recipient, over `SESSIONS` sessions; returns the counts of its own sink."""
        env = {**os.environ, **({"LD_LIBRARY_PATH": str(self.libraries)} if self.libraries else {})}
        with sink.running(delay_ms=delay_ms) as target:
            subprocess.run(
                [self.program, *self._words(messages, target.port)],
                check=True, env=env, timeout=PATIENCE, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            return target.taken()

    def _words(self, messages: int, port: int) -> list[str]:
        if not self._is_postfix:
            return [str(port), str(SESSIONS), str(messages), str(OCTETS)]
        return [
            "-d", "-N", "-s", str(SESSIONS), "-l", str(OCTETS), "-m", str(messages), "-f", "sender@example.org",
            "-t", "reader@example.org", f"inet:127.0.0.1:{port}",
        ]  # fmt: skip

    @property
    def _is_postfix(self) -> bool:
        return self.program.name == "smtp-source"


def find() -> Source:
    """The best client available. Raises NoCompiler if there is none."""
    if on_path := shutil.which("smtp-source", path=f"{os.environ.get('PATH', '')}:{SYSTEM}"):
        return Source(Path(on_path))
    unpacked = CACHE / "postfix"
    source = Source(unpacked / "usr" / "sbin" / "smtp-source", unpacked / "usr" / "lib" / "postfix")
    if not source.program.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        _unpack(unpacked)
    return source if source.program.exists() else Source(built("client"))


def _unpack(into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    try:
        _quietly(into, "apt-get", "download", "postfix")
        for package in into.glob("postfix_*.deb"):
            _quietly(into, "dpkg-deb", "-x", package.name, ".")
    except (subprocess.SubprocessError, OSError):
        return  # offline or no package list: our own client is used, and the table says so


def _quietly(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, timeout=DOWNLOAD, check=True, capture_output=True)
