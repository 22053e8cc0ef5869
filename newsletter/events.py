"""Events: every change of mind between a reader and us, as a row that is only added.

Whoever changes something notes it in the same transaction. A `Consent` says what a person agreed to; an event says what
came of it, and everything that took something back.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id


class EventKind(StrEnum):
    """What happened."""

    NEWSLETTER_ON = "newsletter-on"
    NEWSLETTER_OFF = "newsletter-off"
    SERIES_STARTED = "series-started"
    SERIES_RESUMED = "series-resumed"
    """Started again after a stop, where they were."""
    SERIES_STOPPED = "series-stopped"
    LEFT = "left"
    RETURNED = "returned"
    """Came back by their own press after they had left, or after their address had bounced."""
    REFUSED = "refused"
    """Said that it was not them who signed up, and that no form may make us write again."""
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    LIFTED = "lifted"
    """The owner took back a bounce, a complaint or a refusal."""


class By(StrEnum):
    """Who did it, and by which press."""

    MAIL = "mail"
    """The reader, on the page behind a link in their own mail."""
    ONE_CLICK = "one-click"
    """The reader's mail program (RFC 8058)."""
    PAGE = "page"
    """The reader, on their own library or preferences page."""
    OWNER = "owner"
    SERVER = "server"
    """The receiving server, by its answer."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button: who pressed, what the page said, and which page it was."""

    by: By
    words: str = ""
    page: str = ""
    message: int | None = None
    """The mail that led there, where that is known."""


def _one_of(column: str, codes: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{code.value}'" for code in codes)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


_BY_A_MAIL = text("message_id IS NOT NULL")


class Event(Base):
    """One thing that happened to one subscriber."""

    __tablename__ = "events"
    __table_args__ = (
        _one_of("kind", EventKind),
        _one_of("by", By),
        Index("ix_events_message", "message_id", postgresql_where=_BY_A_MAIL, sqlite_where=_BY_A_MAIL),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    kind: Mapped[EventKind]
    by: Mapped[By]
    words: Mapped[str] = mapped_column(String(1000), default="")
    """What the person read before they pressed; of the owner: the reason given."""
    page: Mapped[str] = mapped_column(String(200), default="")
    sequence_id: Mapped[int | None] = mapped_column(ForeignKey("sequences.id"))
    before: Mapped[str | None] = mapped_column(String(16))
    """The status before, where the event changed it."""
    newsletter_before: Mapped[bool | None] = mapped_column()
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    """By which mail it came."""


def note(session: Session, subscriber_id: int, kind: EventKind, press: Press, now: datetime, *,
         sequence_id: int | None = None, before: str | None = None,
         newsletter_before: bool | None = None) -> Event:  # fmt: skip
    """Append an event."""
    event = Event(
        subscriber_id=subscriber_id, at=now, kind=kind, by=press.by, words=press.words[:1000], page=press.page[:200],
        sequence_id=sequence_id, before=before, newsletter_before=newsletter_before, message_id=press.message,
    )  # fmt: skip
    session.add(event)
    return event
