"""The benchmark's folders: a cache for what is built once, and temporary ones."""

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
    """A folder on disk: in BENCH_DIR, else /var/tmp, since /tmp may be in memory. A short path, because of sockets."""
    disk = os.environ.get("BENCH_DIR") or ("/var/tmp" if Path("/var/tmp").is_dir() else None)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=disk))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
