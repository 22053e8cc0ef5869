"""The send lock: shows what it holds, for the owner to decide about each and unlock."""

from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from newsletter import brand, held, installation
from newsletter.held import Held, HeldKind, Undecided
from newsletter.installation import LockReason
from newsletter.languages import marked
from newsletter.web.language import _, in_words, lazy
from newsletter.web.owner.door import back, door, note
from newsletter.web.owner.proof import asks_password
from newsletter.web.state import now, reading, transaction

SEND, LET_BE = "send", "let-be"
REASONS = {
    LockReason.RESTORED: lazy("A backup was put back."),
    LockReason.COPIED: lazy("This installation was copied from another place, or moved to this one."),
    LockReason.SWAPPED: lazy("The database is not the one that was here before, or is an older state of it."),
}
KINDS = {
    "confirm": lazy("Confirmations that were asked for"),
    "guide": lazy("Guides that were asked for"),
    "goodbye": lazy("Goodbyes to people who left"),
    "reminder": lazy("Reminders to people who have not confirmed"),
    "notice": lazy("Notices to you"),
    "test": lazy("Test mails to you"),
    "digest": lazy("Weekly mails, in place of single campaigns"),
}


@door.get("/held", endpoint="held")
def show() -> str:
    """Show each thing that would be sent automatically, and the button to unlock."""
    with reading() as session:
        return _page(session)


def _page(session: Session, problem: str = "") -> str:
    here, at = installation.current(session), now()
    listed = [(one, _titled(one)) for one in held.held(session, at)] if here.is_locked else []
    reason = REASONS[here.lock_reason] if here.lock_reason else ""
    return render_template(
        "owner/held.html", here=here, reason=reason, items=listed, problem=problem, chosen=request.form,
        send=SEND, let_be=LET_BE,
    )  # fmt: skip


def _titled(one: Held) -> str:
    by_kind = (HeldKind.MESSAGES, HeldKind.REMINDERS, HeldKind.DIGESTS)
    return KINDS.get(one.title, one.title) if one.kind in by_kind else one.title


@door.post("/held", endpoint="unlock")
@asks_password
def unlock() -> Any:
    """Send or drop each as chosen, and unlock."""
    with transaction() as session:
        sends = {name: value == SEND for name, value in request.form.items() if value in (SEND, LET_BE)}
        try:
            decided = held.unlock(session, sends, brand.current(session).zone, now())
        except Undecided as error:
            return _page(session, in_words(error)), 422
        for one, goes in decided:
            note(
                session,
                marked("held mail sent") if goes else marked("held mail let be"),
                f"{_titled(one)}, {one.people}",
            )
        note(session, marked("sending unlocked"))
    return back("dashboard", _("Sending is unlocked."))
