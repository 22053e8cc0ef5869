"""Files that an owner has sent to the import page and not yet decided about.

They hold addresses: they are readable by the product only, and gone after the import, or after an hour.
"""

import json
import os
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Self

KEPT_FOR = timedelta(hours=1)
_TOKEN = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Upload:
    """One file, under a name that nobody guesses. `name`: as it was called; `basis`: how these people agreed."""

    path: Path
    name: str
    basis: str
    at: datetime

    @property
    def token(self) -> str:
        """Its name in an address."""
        return self.path.stem

    def forget(self) -> None:
        """Delete it."""
        self.path.unlink(missing_ok=True)
        self.path.with_suffix(".json").unlink(missing_ok=True)

    @classmethod
    def keep(cls, folder: Path, file: BinaryIO, name: str, basis: str, now: datetime) -> Self:
        """Store a file that was sent."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{secrets.token_hex(16)}.csv"
        with _private(path) as out:
            while piece := file.read(1 << 16):
                out.write(piece)
        with _private(path.with_suffix(".json")) as out:
            out.write(json.dumps({"name": name, "basis": basis, "at": now.isoformat()}).encode())
        return cls(path=path, name=name, basis=basis, at=now)

    @classmethod
    def find(cls, folder: Path, token: str) -> Self | None:
        """The file with this token; None: there is none (any more)."""
        if not _TOKEN.fullmatch(token):
            return None
        path = folder / f"{token}.csv"
        try:
            kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not path.is_file():
            return None
        return cls(path=path, name=kept["name"], basis=kept["basis"], at=datetime.fromisoformat(kept["at"]))


def forget_old(folder: Path, now: datetime) -> int:
    """Delete what nobody decided about for an hour; how many that were."""
    gone = 0
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
        upload = Upload.find(folder, path.stem)
        if upload is None or upload.at < now - KEPT_FOR or upload.at > now + KEPT_FOR:
            (upload or Upload(path=path, name="", basis="", at=now)).forget()
            gone += 1
    return gone


def forget_naming(folder: Path, address: str) -> None:
    """Delete the waiting files that name an address, because its owner was erased: the file has to be sent again."""
    needles = [address.lower().encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    for path in folder.glob("*.csv"):
        kept = path.read_bytes().lower()
        if any(needle in kept for needle in needles):
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
