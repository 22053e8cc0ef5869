"""Reads the inboxes: processes unread mails that are ours, and leaves all others untouched.

An inbox may be the owner's personal one, so only mails with our signature are marked; nothing is moved or deleted.
"""

import time
from collections.abc import Callable
from datetime import datetime

import structlog

from newsletter.feedback import Inbox, InboxTrouble
from newsletter.inbound.imap import InboxError, Mailbox, opened
from newsletter.inbound.take import Taken, take
from newsletter.languages import marked, said
from newsletter.mail.notice import tell_owners
from newsletter.mail_settings import InboxUrl, parse_inboxes
from newsletter.runtime import Runtime

MOST = 200
"""Mails per run and inbox."""
SLICE = 15.0
"""Seconds per run and inbox; the next run continues."""
NAME = 400
ADVICE = {
    InboxTrouble.LOGIN: marked(
        "Look at the user's name and password in INBOX_URL. Many providers want a password made for "
        "programs (an “app password”), and some want IMAP to be switched on first."
    ),
    InboxTrouble.FOLDER: marked(
        "Look at the folder in INBOX_URL: it should be the one where such mail arrives, mostly INBOX."
    ),
    InboxTrouble.TLS: marked(
        "Its certificate is not valid for the host in INBOX_URL. Use the name your provider gives."
    ),
    InboxTrouble.UNREACHABLE: marked("Look at the host and port in INBOX_URL. It is tried again every minute."),
    InboxTrouble.BROKEN: marked(
        "The server stops in the middle. It is tried again every minute; if it lasts, ask them."
    ),
}
log = structlog.get_logger()


def read_inboxes(rt: Runtime, stopping: Callable[[], bool]) -> int:
    """Read each inbox in INBOX_URL; returns how many mails were processed."""
    return sum(_read(rt, one, stopping) for one in parse_inboxes(rt.settings.inbox_url))


def _read(rt: Runtime, url: InboxUrl, stopping: Callable[[], bool]) -> int:
    name = url.name[:NAME]
    try:
        with opened(url) as mailbox:
            with rt.database.transaction() as session:
                after = Inbox.named(session, name).start(mailbox.uid_validity)
            up_to, taken = _process_unread(rt, mailbox, after, stopping)
            with rt.database.transaction() as session:
                Inbox.named(session, name).was_read(mailbox.uid_validity, up_to, rt.clock.now())
    except InboxError as error:
        _note(rt, name, error)
        return 0
    return taken


def _process_unread(rt: Runtime, mailbox: Mailbox, after: int, stopping: Callable[[], bool]) -> tuple[int, int]:
    """Process unread mails; returns the UID up to which all are done, and how many were processed.

    A mail is marked only after its effect is stored. One that is too early stops the UID from advancing, so that the
    next run retries it.
    """
    until, up_to, held, taken = time.monotonic() + SLICE, after, False, 0
    for uid in mailbox.unread(after, MOST):
        if stopping() or time.monotonic() > until:
            break
        raw = mailbox.fetch(uid)
        became = take(rt, raw) if raw else Taken.LEFT
        if became is Taken.DONE:
            mailbox.mark(uid)
            taken += 1
        held = held or became is Taken.LATER
        up_to = up_to if held else uid
    return up_to, taken


def _note(rt: Runtime, name: str, error: InboxError) -> None:
    now = rt.clock.now()
    log.warning("an inbox cannot be read", trouble=error.trouble.value)
    with rt.database.transaction() as session:
        if not Inbox.named(session, name).fails(error.trouble, now):
            return
        tell_owners(
            session, now, key=_key(name, error.trouble, now), title=said("The inbox for bounces cannot be read"),
            lines=[f"{name}: {error}"[:600], said(ADVICE[error.trouble]),
                   said("Until then bounces, complaints and unsubscribing by mail wait there; nothing is lost.")],
            button=said("Look at it"), path="/owner/",
        )  # fmt: skip


def _key(name: str, trouble: InboxTrouble, now: datetime) -> str:
    """The notice's key: one a day per inbox and trouble."""
    return f"inbox:{trouble}:{now:%Y%m%d}:{name}"[:100]
