"""Find a Chromium: CHROMIUM, PATH, or Playwright's own; install one when there is none."""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
"""Chromium without windows: the same tests took 104 s of processor time with it, and 182 s with the whole browser."""
NAMES = (*SHELLS, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OF_PLAYWRIGHT = ("chromium_headless_shell-*/*/*headless*shell", "chromium-*/chrome-linux*/chrome")
ARGUMENTS = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
    "--disable-quic", "--disable-gpu", "--disable-default-apps",
)  # fmt: skip


def find() -> str | None:
    """The path of an installed Chromium: a headless shell if there is one."""
    if given := os.environ.get("CHROMIUM"):
        return given if Path(given).exists() else None
    installed = [found for name in NAMES if (found := shutil.which(name))]
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    installed += [str(path) for pattern in OF_PLAYWRIGHT for path in sorted(folder.glob(pattern), reverse=True)]
    return next((path for path in installed if _is_shell(path)), installed[0] if installed else None)


def _is_shell(path: str) -> bool:
    return "headless" in Path(path).name


def arguments() -> list[str]:
    """How it is started: without calls to anybody, and without its sandbox where root leaves it no choice."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def fetch() -> str | None:
    """The path of a Chromium; installs one first where there is none, or no headless shell and Debian has it.

    From Playwright where there is none at all, else as root from Debian.
    """
    found = find()
    attempts = [] if found else [[sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]]
    if os.geteuid() == 0 and shutil.which("apt-get") and not os.environ.get("CHROMIUM"):
        install = "apt-get install -y -qq --no-install-recommends"
        attempts.append(["sh", "-c", f"apt-get update -qq; {install} {SHELLS[0]} || {install} chromium"])
    while attempts and not (found and _is_shell(found)):
        _run(attempts.pop(0))
        found = find()
    return found


def _run(command: list[str]) -> None:
    """Without a terminal to ask on. Its failure is told by what `find` does not find."""
    with suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, timeout=300, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
