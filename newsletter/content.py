"""Reading the writers' folder `content/`: Markdown files with front matter (`key: value` lines between `---`)."""

from functools import lru_cache
from pathlib import Path

from newsletter import characters


class BadContent(ValueError):
    """A file in `content/` cannot be used; the message names the file and what is missing."""


def read(path: Path) -> tuple[dict[str, str], str]:
    """(front matter, body) of a file; read again when the file has changed. Raises BadContent."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _read(path: Path, _mtime_ns: int) -> tuple[dict[str, str], str]:
    try:
        parts = characters.decode(path.read_bytes()).split("---\n", 2)
    except characters.NotText as error:
        raise BadContent(f"{path.name}: {error}") from None
    if len(parts) != 3 or parts[0].strip():
        raise BadContent(f"{path.name} should begin with front matter between two lines of “---”")
    pairs = (line.split(":", 1) for line in parts[1].splitlines() if ":" in line)
    head = {key.strip(): value.split("  #")[0].strip() for key, value in pairs}
    return head, parts[2].strip() + "\n"
