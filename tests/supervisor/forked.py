"""What a fork of the supervisor finds: run by `test_forks`."""

import json
import os
import random
import signal
import sys
from pathlib import Path

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

if __name__ == "__main__":
    status = Path("/proc/self/task").iterdir() if sys.platform == "linux" else [None]
    print(
        json.dumps({
            "who": os.environ["WHO"], "drawn": random.random(), "leads": os.getsid(0) == os.getpid(),
            "answers": [signal.Handlers(signal.getsignal(one)).name for one in HANDLED],  # type: ignore[arg-type]
            "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())), "threads": len(list(status)),
        })
    )  # fmt: skip
