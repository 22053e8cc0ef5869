"""Data: an overview, a downloadable backup, and people as a file."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import structlog
from flask import render_template, send_file
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import backup
from newsletter.accounts import AuditEntry
from newsletter.articles import Article
from newsletter.backup import BadBackup
from newsletter.figures import figure
from newsletter.languages import marked
from newsletter.mail.ledger import Message
from newsletter.media import Picture
from newsletter.subscribers import Subscriber
from newsletter.web.language import _
from newsletter.web.owner.display import size
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.proof import asks_password
from newsletter.web.security import limiter
from newsletter.web.state import now, reading, runtime, transaction

log = structlog.get_logger()
LARGEST = 250_000_000
"""Largest backup offered for download, in octets unpacked: proxies time out before a larger one is packed."""
FOLDER, LEFT = ".download-", timedelta(hours=1)
"""Prefix of the folders in which backups are packed, and the age at which one must be left from a killed process."""
DONE = marked("backup downloaded")
KINDS: dict[str, type[Any]] = {"people": Subscriber, "mails": Message, "articles": Article, "pictures": Picture}


@door.get("/data", endpoint="data")
def show() -> str:
    """Show the overview."""
    with reading() as session:
        sizes = backup.measure(runtime(), session)
        last = session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == DONE))
        counts = {name: figure(session, ("all", name), _count_of(kind)) for name, kind in KINDS.items()}
        return render_template(
            "owner/data.html", counts=counts, sizes=sizes, last=last, fits=sizes.whole <= LARGEST, largest=LARGEST,
            backup_command=_command("backup"), restore_command=_command("restore"),
        )  # fmt: skip


def _command(verb: str) -> str:
    return f".venv/bin/newsletter {verb} {_file()}"


def _file() -> str:
    return f"newsletter-{now():%Y-%m-%d}.zip"


def _count_of(kind: type[Any]) -> Any:
    def count(session: Session) -> int:
        return session.scalar(select(func.count()).select_from(kind)) or 0

    return count


@door.post("/data/backup", endpoint="data_backup")
@limiter.limit("20 per hour")
@asks_password
def download() -> Any:
    """Pack and send a backup, leaving nothing on the disk."""
    with reading() as session:
        if backup.measure(runtime(), session).whole > LARGEST:
            return back("data", _("This is too much for a browser. Please use the command."), "info")
    try:
        packed = _packed()
    except (BadBackup, OSError) as error:
        log.warning("no backup for download", error=str(error))
        return back("data", _("No backup was made: %(why)s", why=_why(error)), "danger")
    octets = os.fstat(packed.fileno()).st_size
    with transaction() as session:
        note(session, DONE, size(octets))
    answer = send_file(packed, mimetype="application/zip", as_attachment=True,
                       download_name=_file(), max_age=0)  # fmt: skip
    answer.content_length = octets
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _why(error: BadBackup | OSError) -> str:
    return str(error) if isinstance(error, BadBackup) else error.strerror or type(error).__name__


def _packed() -> IO[bytes]:
    """An open backup, already unlinked: closing it frees its space on the disk."""
    with _folder(runtime().settings.data_dir) as folder:
        target = folder / "backup.zip"
        backup.write(runtime(), target, now(), lambda _octets: None)
        return target.open("rb")


@contextmanager
def _folder(data: Path) -> Iterator[Path]:
    """A folder that only the product's own user can read.

    Deletes what killed processes left, as it holds addresses and the secret key.
    """
    for left in data.glob(f"{FOLDER}*"):
        if time.time() - left.stat().st_mtime > LEFT.total_seconds():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=FOLDER, dir=data) as folder:
        yield Path(folder)
