"""The real SpamAssassin of Debian on loopback: unpacked, never installed; no network tests, and nothing is learnt."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.debian import NotToBeHad, library_path, unpacked
from tests.real.conftest import free_port, until

DEEP = 4
"""From the package to the last of the Perl modules that it needs."""


@contextmanager
def spamassassin(folder: Path) -> Iterator[str]:
    """Where spamd listens. `folder`: an empty one of its own. Raises NotToBeHad."""
    if not shutil.which("perl"):
        raise NotToBeHad("perl is needed to run it")
    package = unpacked("spamassassin", "spamd", depth=DEEP)
    port = free_port()
    modules = [package / "usr/share/perl5", *package.glob("usr/lib/*-linux-gnu/perl5/*")]
    options = [
        "--local", "--nouser-config", "--max-children=1", f"--listen=127.0.0.1:{port}", "--syslog=stderr",
        f"--configpath={package}/usr/share/spamassassin", f"--siteconfigpath={package}/etc/spamassassin",
        "--cf=use_bayes 0", f"--pidfile={folder}/pid",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            ["perl", "-T", *(f"-I{one}" for one in modules), package / "usr/sbin/spamd", *options], cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "LD_LIBRARY_PATH": library_path(package)},
            stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until(lambda: b"server started" in log.read_bytes() or running.poll() is not None)
        if running.poll() is not None:
            raise NotToBeHad(f"spamd does not start: {log.read_text(errors='replace')[-500:]}")
        yield f"127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(20)
