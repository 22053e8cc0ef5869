"""Ends a process when its parent is killed, so that none is left running for ever."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, ended_by: signal.Signals = signal.SIGTERM) -> None:
    """In a child, have the kernel send a signal when the parent dies (Linux prctl(2)); exit if it has died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ended_by)
    if os.getppid() != parent:
        os._exit(1)
