"""Texts that cannot be put together: whoever they were meant for waits, and the owner is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from newsletter.mail import outbox
from newsletter.mail.notice import tell_owner
from newsletter.mail.outbox import Letter, State, Verdict
from newsletter.subscribers import Stream

LOOK_AGAIN = timedelta(hours=1)
"""A step whose text is unfit is looked at again after this, and at once when its article is saved."""

log = structlog.get_logger()


@dataclass
class Unfit:
    """What of one claim could not be put together, and why."""

    dispatches: dict[int, str] = field(default_factory=dict)
    revisions: dict[int, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    def covers(self, letter: Letter) -> bool:
        """Whether it is known already that a letter's campaign cannot be put together."""
        return letter.dispatch_id in self.dispatches and not letter.attempts

    def add(self, letter: Letter, reason: str, now: datetime) -> None:
        """A letter could not be put together. What was never tried waits for other words; the rest has failed."""
        log.warning("mail could not be put together", message=letter.id, error=reason)
        if letter.dispatch_id and not letter.attempts:
            self.dispatches[letter.dispatch_id] = reason
            return
        words, waits = f"Its text cannot be put together: {reason}"[:500], None
        if letter.stream is Stream.STEP and not letter.attempts:
            waits = now + LOOK_AGAIN
            if letter.revision_id:
                self.revisions[letter.revision_id] = reason
        state = State.DEFERRED if waits else State.FAILED
        self.verdicts.append(Verdict(letter.id, state, 0, words, "", due_at=waits, counts=not waits))

    def settle(self, session: Session, now: datetime) -> None:
        """Pause the campaigns, and tell the owner once of each text."""
        for id, reason in sorted(self.dispatches.items()):
            told = f"Paused by itself: its text cannot be put together. {reason} Give it other words, then resume it."
            if outbox.pause_open(session, [id], told):
                self._tell(
                    session, now, f"unfit:d{id}:{now:%Y%m%d%H%M%S}", "A campaign has been paused", reason, "campaigns",
                    "Nobody who has not been sent to is lost.", "Give it other words there, then resume it.",
                )  # fmt: skip
        for id, reason in self.revisions.items():
            self._tell(
                session, now, f"unfit:r{id}", "An article of a series cannot be sent", reason, "articles",
                "Its readers wait for it.", "Save the article with other words, and it goes out.",
            )  # fmt: skip

    def _tell(self, session: Session, now: datetime, key: str, title: str, reason: str, page: str, *what: str) -> None:
        lines = [f"Its text cannot be put together: {reason}", *what]
        tell_owner(session, now, key=key, title=title, lines=lines, button="Look at it", path=f"/owner/{page}")
