"""Processes of a host whose clock is wrong: a small library of our own is loaded in front of the C library.

Debian's libfaketime moves what spans are measured by, too, and breaks Python's `time.sleep`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
SEEN = "import datetime, time; print(int(time.time()), int(datetime.datetime.now(datetime.UTC).timestamp()))"


class NoWrongClock(Exception):
    """This machine cannot play one; the message says why."""


def wrong_clock(seconds: int, folder: Path) -> dict[str, str]:
    """The environment in which the time of day is so many seconds ahead (behind: negative). Raises NoWrongClock."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None or sys.platform != "linux":
        raise NoWrongClock("a wrong clock needs Linux and a C compiler (Debian: apt install gcc libc6-dev)")
    library = folder / "wrong_clock.so"
    made = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-o", str(library), str(SOURCE), "-ldl"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise NoWrongClock(f"the wrong clock cannot be compiled: {made.stderr[-300:]}")
    env = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(seconds)}
    _check(seconds, env)
    return env


def _check(seconds: int, env: dict[str, str]) -> None:
    """See that a Python of this environment really tells the wrong time."""
    right = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True).stdout.split()
    wrong = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True, env=env).stdout
    differ = [int(there) - int(here) - seconds for here, there in zip(right, wrong.split(), strict=True)]
    if any(abs(one) > 60 for one in differ):
        raise NoWrongClock(f"this Python does not ask the C library what time it is: {wrong}")
