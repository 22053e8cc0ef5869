"""Home: identifies where an installation lives by marks that a copy does not share.

SQLite: a file `home` in the data folder. A copy gets another inode or ctime, which programs cannot set; renaming the
folder, moving the disk, or a new container on the same volume changes neither. chown -R changes only the ctime, which
is accepted if the mtime is unchanged. PostgreSQL: the cluster's system identifier and the oids of the database and a
table, which a dump and reload changes and a restart does not.

Not detected: restoring a snapshot of the whole machine, which restores all marks too.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

MACHINE = Path("/etc/machine-id")
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""In a container the machine id is the image's."""


@dataclass(frozen=True, slots=True)
class Home:
    """The marks; those for the other database are empty."""

    inode: int = 0
    changed: int = 0
    written: int = 0
    machine: str = ""
    path: str = ""
    cluster: str = ""
    has_witness: bool = field(default=False, compare=False)

    @property
    def facts(self) -> dict[str, Any]:
        """The JSON stored in `Installation.home`."""
        return {name: value for name, value in asdict(self).items() if name != "has_witness"}

    def is_same_as(self, kept: dict[str, Any]) -> bool:
        """Whether the database is still where the `kept` marks were taken."""
        if self.cluster or kept.get("cluster"):
            return self.cluster == kept.get("cluster")
        if self.machine and kept.get("machine") and self.machine != kept["machine"]:
            return False
        if self.inode == kept.get("inode"):
            return self.changed == kept.get("changed") or self.written == kept.get("written")
        # Another disk of the same machine: moved if nothing is left at the old path.
        known = bool(self.machine) and self.machine == kept.get("machine")
        return known and self.path != kept.get("path") and not Path(str(kept.get("path"))).exists()


def home_of(session: Session, data_dir: Path, *, is_sqlite: bool) -> Home:
    """The current marks; creates the file `home` if missing."""
    if not is_sqlite:
        return Home(cluster=_cluster(session))
    mark = data_dir / "home"
    with suppress(FileExistsError):
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    seen = mark.stat()
    return Home(
        inode=seen.st_ino,
        changed=seen.st_ctime_ns,
        written=seen.st_mtime_ns,
        machine=_machine(),
        path=str(mark),
        has_witness=True,
    )


def _machine() -> str:
    if any(mark.exists() for mark in CONTAINER_MARKS):
        return ""
    with suppress(OSError):
        return MACHINE.read_text().strip()
    return ""


def _cluster(session: Session) -> str:
    numbers = "SELECT d.oid, 'installation'::regclass::oid FROM pg_database d WHERE d.datname = current_database()"
    database, table = session.execute(text(numbers)).one()
    try:
        with session.begin_nested():
            cluster = session.scalar(text("SELECT system_identifier FROM pg_control_system()"))
    except DBAPIError:  # some providers deny access
        cluster = "-"
    return f"{cluster}/{database}/{table}"


def kept_witnesses(data_dir: Path) -> tuple[str, ...]:
    """The latest two witness words in the data folder, newest first; empty if there are none yet."""
    try:
        found = json.loads((data_dir / "witness").read_text())
    except (OSError, ValueError):
        return ()
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


def keep_witness(data_dir: Path, last: str) -> str:
    """Write a new witness word beside the `last` one and return it, to be stored in the database next.

    Keeping both makes a crash in between harmless."""
    fresh = secrets.token_hex(16)
    half = data_dir / f"witness.{os.getpid()}.{fresh[:8]}"
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump([fresh, last], file)
        file.flush()
        os.fsync(file.fileno())
    half.replace(data_dir / "witness")
    return fresh


def restore_plan(folder: Path) -> Path:
    """The path of the restore plan; while it exists, the restore is unfinished."""
    return folder / "restore.json"
