"""Checks the guides' files, and notifies the owner of those that cannot be sent."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.guides.files import Files
from newsletter.guides.guide import Guide
from newsletter.guides.inspect import BadGuide, inspect
from newsletter.languages import said
from newsletter.mail.notice import tell_owners

COPYING = timedelta(minutes=2)
"""A file modified more recently may still be being copied."""


def watch(session: Session, files: Files, now: datetime, machine_now: datetime) -> list[str]:
    """Mail the owner, at most once a day, about each guide whose file is missing or incomplete; returns their slugs.

    `machine_now`: the system clock, on which file modification times are based (`now` may run ahead of it).
    """
    bad = []
    for guide in session.scalars(select(Guide).order_by(Guide.position, Guide.id)).all():
        file = guide.file(files)
        try:
            inspect(file)
        except BadGuide as error:
            if not _is_being_copied(file, machine_now):
                _tell(session, guide, error.args[0], now)
                bad.append(guide.slug)
    return bad


def _is_being_copied(file: Path, machine_now: datetime) -> bool:
    try:
        return machine_now.timestamp() - file.stat().st_mtime < COPYING.total_seconds()
    except OSError:
        return False


def _tell(session: Session, guide: Guide, reason: str, now: datetime) -> None:
    tell_owners(
        session, now, key=f"guide:{guide.slug}:{now:%Y%m%d}",
        title=said("The guide “%(title)s” cannot be sent", title=guide.title),
        lines=[
            reason,
            said("Its box says that it is being prepared and takes no sign-ups; everything else goes on."),
            said("Send its PDF again on the page “Guides”, and its box is there again."),
        ],
        button=said("Look at the guides"), path="/owner/guides",
    )  # fmt: skip
