"""The audit log of owners' actions; append-only."""

from typing import Any

from flask import render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from newsletter.accounts import AuditEntry, Owner
from newsletter.figures import figure
from newsletter.web.owner.audit_links import links
from newsletter.web.owner.door import PAGE, asked_id, door
from newsletter.web.state import reading

NOBODY = "0"
"""Value in the address for entries without a signed-in owner, such as a failed sign-in."""


@door.get("/audit")
def audit() -> str:
    """The log, newest first, optionally of one person or of one kind."""
    who, what, before = asked_id("who"), request.args.get("what", "")[:64].replace("\0", ""), asked_id("before")
    nobody = request.args.get("who") == NOBODY
    look = select(AuditEntry, Owner.email).outerjoin(Owner, Owner.id == AuditEntry.owner_id)
    if who or nobody:
        look = look.where(AuditEntry.owner_id.is_(None) if nobody else AuditEntry.owner_id == who)
    if what:
        look = look.where(AuditEntry.action == what)
    if before:
        look = look.where(AuditEntry.id < before)
    asked: dict[str, Any] = {
        name: value for name, value in {"who": NOBODY if nobody else who, "what": what}.items() if value
    }
    with reading() as session:
        rows = session.execute(look.order_by(AuditEntry.id.desc()).limit(PAGE + 1)).all()
        more = rows[PAGE - 1][0].id if len(rows) > PAGE else None
        shown = rows[:PAGE]
        return render_template(
            "owner/audit.html", rows=shown, more=more, asked=asked, kinds=_kinds(session), nobody=NOBODY,
            people=session.execute(select(Owner.id, Owner.email).order_by(Owner.id)).all(),
            links=links(session, [entry for entry, _ in shown]),
        )  # fmt: skip


def _kinds(session: Session) -> list[str]:
    """Every kind of entry in the log."""
    return figure(session, "kinds of entries", lambda it: sorted(it.scalars(select(AuditEntry.action).distinct())))
