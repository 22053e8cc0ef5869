"""Compiles the benchmark's C programs when their source has changed."""

import shutil
import subprocess
from pathlib import Path

from bench.folders import CACHE, ROOT


class NoCompiler(Exception):
    """There is no C compiler; the message says what to install."""


def built(name: str) -> Path:
    """The program compiled from `bench/NAME.c`. Raises NoCompiler."""
    source, program = ROOT / "bench" / f"{name}.c", CACHE / name
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        raise NoCompiler("no C compiler found (Debian: apt install gcc libc6-dev)")
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(program), str(source)], check=True)
    return program
