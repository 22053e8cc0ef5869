"""Handles content that cannot be rendered: its readers wait, and the owner is notified."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from newsletter.languages import said
from newsletter.mail.ledger import ClaimedMessage, Outcome, Reason, State
from newsletter.mail.ledger.dispatch import pause_open
from newsletter.mail.notice import tell_owners
from newsletter.subscribers import Stream

LOOK_AGAIN = timedelta(hours=1)
"""A step whose content is unfit is retried after this, and at once when its article is saved."""

log = structlog.get_logger()


@dataclass
class Unfit:
    """What of one claim could not be rendered, and why."""

    dispatches: dict[int, str] = field(default_factory=dict)
    revisions: dict[int, str] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def covers(self, message: ClaimedMessage) -> bool:
        """Whether a message's campaign is already known to be unfit."""
        return message.dispatch_id in self.dispatches and not message.attempts

    def add(self, message: ClaimedMessage, reason: str, now: datetime) -> None:
        """Record a message that cannot be rendered. If never tried, bulk mail waits for new content; else it fails."""
        log.warning("mail could not be put together", message=message.id, error=reason)
        if message.dispatch_id and not message.attempts:
            self.dispatches[message.dispatch_id] = reason
            return
        waits = None
        if message.stream is Stream.STEP and not message.attempts:
            waits = now + LOOK_AGAIN
            if message.revision_id:
                self.revisions[message.revision_id] = reason
        state = State.DEFERRED if waits else State.FAILED
        self.outcomes.append(
            Outcome(
                id=message.id,
                state=state,
                code=0,
                reply=reason[:500],
                relay="",
                due_at=waits,
                is_attempt=not waits,
                reason=Reason.UNFIT,
            )
        )

    def settle(self, session: Session, now: datetime) -> None:
        """Pause the campaigns, and notify the owner once about each content."""
        for id, reason in sorted(self.dispatches.items()):
            pause_reason = said(
                "Paused by itself: its text cannot be put together. %(reason)s Give it other words, then resume it.",
                reason=reason,
            )
            if pause_open(session, [id], pause_reason):
                self._tell(
                    session, now, f"unfit:d{id}:{now:%Y%m%d%H%M%S}", said("A campaign has been paused"), reason,
                    "campaigns", said("Nobody who has not been sent to is lost."),
                    said("Give it other words there, then resume it."),
                )  # fmt: skip
        for id, reason in self.revisions.items():
            self._tell(
                session, now, f"unfit:r{id}", said("An article of a series cannot be sent"), reason, "articles",
                said("Its readers wait for it."), said("Save the article with other words, and it goes out."),
            )  # fmt: skip

    def _tell(self, session: Session, now: datetime, key: str, title: str, reason: str, page: str, *what: str) -> None:
        lines = [said("Its text cannot be put together: %(reason)s", reason=reason), *what]
        tell_owners(session, now, key=key, title=title, lines=lines, button=said("Look at it"), path=f"/owner/{page}")
