"""What the owners did: rows are only added."""

from flask import render_template
from sqlalchemy import select

from newsletter.accounts import AuditEntry, Owner
from newsletter.web.owner.door import PAGE, asked_id, door
from newsletter.web.state import reading


@door.get("/audit")
def audit() -> str:
    """The log, newest first."""
    look = select(AuditEntry, Owner.email).outerjoin(Owner, Owner.id == AuditEntry.owner_id)
    if before := asked_id("before"):
        look = look.where(AuditEntry.id < before)
    with reading() as session:
        rows = session.execute(look.order_by(AuditEntry.id.desc()).limit(PAGE + 1)).all()
        more = rows[PAGE - 1][0].id if len(rows) > PAGE else None
        return render_template("owner/audit.html", rows=rows[:PAGE], more=more)
