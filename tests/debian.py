"""Programs of Debian that are not installed: downloaded and unpacked into a cache folder, never installed."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path


class NotToBeHad(Exception):
    """A package cannot be had on this machine; the message says why."""


def unpacked(package: str, *beside: str, depth: int = 1) -> Path:
    """The folder that a package and those `beside` it were unpacked into, with the libraries they depend on; to a
    `depth` of these libraries' own. Raises NotToBeHad."""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        raise NotToBeHad("apt-get and dpkg are needed to fetch it")
    cache = Path(tempfile.gettempdir()) / f"newsletter-debian-{os.getuid()}"
    folder = cache / package
    if (folder / "whole").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "debs").mkdir(parents=True)
    cache.chmod(0o755)
    named = [package, *beside]
    wanted, fresh = set(named), set(named)
    for _ in range(depth):
        fresh = _libraries(fresh) - wanted
        wanted |= fresh
    subprocess.run(["apt-get", "download", "-q", *sorted(wanted)], cwd=folder / "debs",
                   capture_output=True, timeout=60 * depth, check=False)  # fmt: skip
    found = list((folder / "debs").glob("*.deb"))
    for one in named:
        if not any(deb.name.startswith(f"{one}_") for deb in found):
            raise NotToBeHad(f"Debian's package {one} could not be downloaded")
    for deb in found:
        subprocess.run(["dpkg", "-x", deb, folder], check=True, capture_output=True)
    for program in (folder / "usr" / "sbin").glob("*"):
        program.chmod(0o755)  # a setuid program does not look into our libraries
    (folder / "whole").touch()
    return folder


def library_path(folder: Path) -> str:
    """LD_LIBRARY_PATH for the programs of a package."""
    places = [folder / "usr/lib/postfix", *folder.glob("usr/lib/*-linux-gnu"), *folder.glob("lib/*-linux-gnu")]
    return ":".join(str(place) for place in places)


def php() -> str:
    """The package of PHP's command line, which has its version in its name. Raises NotToBeHad."""
    if not shutil.which("apt-cache"):
        raise NotToBeHad("apt-get and dpkg are needed to fetch it")
    told = subprocess.run(["apt-cache", "depends", "-i", "php-cli"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"Depends: (php[0-9.]+-cli)", told)
    if found is None:
        raise NotToBeHad("Debian's package php-cli is not on its lists (apt-get update)")
    return found[1]


def _libraries(packages: Collection[str]) -> set[str]:
    if not packages:
        return set()
    asked = ["apt-cache", "depends", "-i", *sorted(packages)]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    named = [line.partition("Depends: ")[2].strip() for line in told.splitlines() if "Depends: " in line]
    ours = [name for name in named if name.startswith(("lib", "exim4-base")) and name != "libc6"]
    return {name for name in ours if not name.startswith(("libapache2-", "libjs-"))}
