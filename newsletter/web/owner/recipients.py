"""The recipients of a campaign: one row per person with the server's reply."""

from dataclasses import dataclass
from typing import Any

from flask import render_template
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from newsletter.campaigns import Campaign
from newsletter.mail.ledger import Message, State
from newsletter.mail.ledger.dispatch import of_dispatch
from newsletter.web.owner.door import PAGE, asked_id, door, one_or_404, words_asked
from newsletter.web.state import reading


@dataclass(frozen=True, slots=True)
class Page:
    """Some messages, and the id from which the next page continues; None on the last page."""

    rows: list[Message]
    more: int | None


def asked_state() -> State | None:
    """The state in the query; None for all states."""
    typed = words_asked("state")
    return State(typed) if typed in {state.value for state in State} else None


def page_of(session: Session, *conditions: ColumnElement[bool]) -> Page:
    """One page of messages by id, from `after` in the query."""
    look = select(Message).where(*conditions).options(joinedload(Message.subscriber), joinedload(Message.revision))
    if after := asked_id("after"):
        look = look.where(Message.id > after)
    rows = list(session.scalars(look.order_by(Message.id).limit(PAGE + 1)))
    return Page(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


@door.get("/campaigns/<row:id>/recipients", endpoint="campaign_recipients")
def recipients(id: int) -> str:
    """List all recipients, or those in one state."""
    with reading() as session:
        campaign, asked = one_or_404(session, Campaign, id), asked_state()
        conditions: list[Any] = [*of_dispatch(session, campaign.dispatch_id or 0)]
        if asked is not None:
            conditions.append(Message.state == asked)
        page = page_of(session, *conditions) if campaign.dispatch_id else Page([], None)
        return render_template(
            "owner/recipients.html", campaign=campaign, page=page, asked=asked, counts=campaign.counts(session),
            several=len(campaign.article.revisions) > 1,
        )  # fmt: skip
