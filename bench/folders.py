"""Where the benchmark keeps things: what is built once beside it, the rest in a folder that goes when it ends."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "bench" / ".cache"
RESULTS = ROOT / "bench" / "results"
DOCUMENT = ROOT / "docs" / "benchmarks.md"


@contextmanager
def temporary(prefix: str) -> Iterator[Path]:
    """A folder on a disk: BENCH_DIR, else /var/tmp, which unlike /tmp is none in memory. Short: sockets live in it."""
    disk = os.environ.get("BENCH_DIR") or ("/var/tmp" if Path("/var/tmp").is_dir() else None)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=disk))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
