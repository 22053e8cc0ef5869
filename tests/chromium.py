"""Finding a Chromium: CHROMIUM, PATH, Playwright's own, or Debian's package when we are root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-quic", "--disable-gpu", "--disable-default-apps",
)  # fmt: skip


def find() -> str | None:
    """The path of a Chromium that is here already."""
    if given := os.environ.get("CHROMIUM"):
        return given if Path(given).exists() else None
    for name in NAMES:
        if found := shutil.which(name):
            return found
    own = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    return next((str(path) for path in sorted(own.glob("chromium-*/chrome-linux*/chrome"), reverse=True)), None)


def arguments() -> list[str]:
    """How it is started: without calls to anybody, and without its sandbox where root leaves it no choice."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def fetch() -> str | None:
    """Get one: from Playwright, else as root from Debian."""
    attempts = [[sys.executable, "-m", "playwright", "install", "chromium-headless-shell", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        attempts.append(["sh", "-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium"])
    for attempt in attempts:
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            subprocess.run(
                attempt, env=env, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired:
            continue
        if found := find():
            return found
    return None
