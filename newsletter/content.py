"""Reading the writers' folder `content/`: Markdown files with front matter (`key: value` lines between `---`).

`{{ audience }}` in a text stands for whom the practice works with (“people over 40”), and `{{ audience_short }}` for
that without “people”. It is `audience` in the site.toml that stands beside the folder, which the books read too.
"""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from newsletter import characters

ANYBODY = "adults"
"""Whom the practice works with, where its site.toml does not say."""
_AUDIENCE = re.compile(r"\{\{ *audience(_short)? *\}\}")


class BadContent(ValueError):
    """A file in `content/` cannot be used; the message names the file and what is missing."""


def read(path: Path) -> tuple[dict[str, str], str]:
    """(front matter, body) of a file; read again when the file has changed. Raises BadContent."""
    site = next((one / "site.toml" for one in path.parents if (one / "site.toml").is_file()), None)
    audience = _audience(site, _stamp(site)) if site else ANYBODY
    return _read(path, _stamp(path), audience)


def _stamp(file: Path) -> tuple[int, int]:
    seen = file.stat()
    return seen.st_mtime_ns, seen.st_size


@lru_cache(maxsize=8)
def _audience(site: Path, _stamp: tuple[int, int]) -> str:
    with site.open("rb") as file:
        found = tomllib.load(file).get("brand", {}).get("audience", "")
    return characters.line(str(found)) or ANYBODY


@lru_cache(maxsize=128)
def _read(path: Path, _stamp: tuple[int, int], audience: str) -> tuple[dict[str, str], str]:
    try:
        parts = characters.decode(path.read_bytes()).split("---\n", 2)
    except characters.NotText as error:
        raise BadContent(f"{path.name}: {error}") from None
    if len(parts) != 3 or parts[0].strip():
        raise BadContent(f"{path.name} should begin with front matter between two lines of “---”")
    pairs = (line.split(":", 1) for line in parts[1].splitlines() if ":" in line)
    head = {key.strip(): _told(value.split("  #")[0].strip(), audience) for key, value in pairs}
    return head, _told(parts[2].strip(), audience) + "\n"


def _told(text: str, audience: str) -> str:
    """A text with its audience filled in, with a capital letter where it begins the text."""

    def named(found: re.Match[str]) -> str:
        words = audience.removeprefix("people ") if found[1] else audience
        return words if found.start() else words[0].upper() + words[1:]

    return _AUDIENCE.sub(named, text)
