"""Parent: a process ends when the one that started it is killed outright; none is left that would serve for ever."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, told_by: signal.Signals = signal.SIGTERM) -> None:
    """In a child: be told to end when its parent is killed outright (Linux prctl(2)), and end if it was already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, told_by)
    if os.getppid() != parent:
        os._exit(1)
