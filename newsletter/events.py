"""Events: every change of what a reader agreed to, as an append-only row.

Whatever makes a change appends its event in the same transaction. A `Consent` says what a person agreed to; events say
what followed, including everything revoked.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id, one_of
from newsletter.wordings import Wording, wording_id


class EventKind(StrEnum):
    """What happened."""

    NEWSLETTER_ON = "newsletter-on"
    NEWSLETTER_OFF = "newsletter-off"
    TOPIC_ON = "topic-on"
    TOPIC_OFF = "topic-off"
    EVERY_TOPIC = "every-topic"
    """Every topic of the newsletter from now on, future ones too."""
    DIGEST_ON = "digest-on"
    """One weekly mail with all campaigns, instead of each singly."""
    DIGEST_OFF = "digest-off"
    SERIES_STARTED = "series-started"
    SERIES_RESUMED = "series-resumed"
    """Restarted after a stop, where they were."""
    SERIES_STOPPED = "series-stopped"
    PAUSED = "paused"
    """All bulk mail, for a time."""
    WENT_ON = "went-on"
    """Ended a pause early by a press."""
    LEFT = "left"
    SAID_WHY = "said-why"
    """Said why they left."""
    RETURNED = "returned"
    """Came back by their own press after leaving, or after a bounce."""
    REFUSED = "refused"
    """Said that they did not sign up, and that no form may make us mail them again."""
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    LIFTED = "lifted"
    """The owner lifted a bounce, a complaint or a refusal."""


class WhyLeft(StrEnum):
    """The reasons a reader may give for leaving."""

    TOO_MANY = "too-many"
    NOT_EXPECTED = "not-expected"
    NO_LONGER = "no-longer"
    NEVER_ASKED = "never-asked"
    OTHER = "other"


class By(StrEnum):
    """Who did it, and where."""

    MAIL = "mail"
    """The reader, on the page behind a link in their own mail."""
    ONE_CLICK = "one-click"
    """The reader's mail program (RFC 8058)."""
    PAGE = "page"
    """The reader, on their own library or preferences page."""
    OWNER = "owner"
    SERVER = "server"
    """The receiving server, by its reply."""


@dataclass(frozen=True, slots=True)
class Press:
    """One press of a button: who pressed, what the page said, and which page."""

    by: By
    words: str = ""
    """Our own sentence, never typed by a person, with nothing personal filled in (`wordings`)."""
    page: str = ""
    message: int | None = None
    """The mail that led there, if known."""
    reason: str = ""
    """What the owner typed."""


_BY_A_MAIL = text("message_id IS NOT NULL")
_SAYS_WHY = text("why IS NOT NULL")
OF_READERS = text("kind IN ('newsletter-on', 'newsletter-off', 'left', 'bounced', 'complained')")
"""By which somebody begins to take the newsletter, or ends it. In these letters, or SQLite does not take the index."""


class Event(Base):
    """One thing that happened to one subscriber."""

    __tablename__ = "events"
    __table_args__ = (
        one_of("kind", EventKind),
        one_of("by", By),
        Index("ix_events_message", "message_id", postgresql_where=_BY_A_MAIL, sqlite_where=_BY_A_MAIL),
        one_of("why", WhyLeft),
        Index("ix_events_why", "at", postgresql_where=_SAYS_WHY, sqlite_where=_SAYS_WHY),
        Index("ix_events_readers", "at", postgresql_where=OF_READERS, sqlite_where=OF_READERS),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    kind: Mapped[EventKind]
    by: Mapped[By]
    wording_id: Mapped[int | None] = mapped_column(ForeignKey(Wording.id))
    """What the person read before they pressed, or our description of what the owner or a server did, if any."""
    page: Mapped[str] = mapped_column(String(200), default="")
    sequence_id: Mapped[int | None] = mapped_column(ForeignKey("sequences.id"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey("topics.id"))
    before: Mapped[str | None] = mapped_column(String(16))
    """The previous status, if the event changed it."""
    newsletter_before: Mapped[bool | None] = mapped_column()
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    """The mail that led to it."""
    why: Mapped[WhyLeft | None] = mapped_column()
    reason: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    """What the owner typed about this person; erased with them."""

    wording: Mapped[Wording | None] = relationship()

    @property
    def words(self) -> str:
        """What was read, or the owner's reason; "" if there is neither."""
        return self.wording.words if self.wording else self.reason


def note(session: Session, subscriber_id: int, kind: EventKind, press: Press, now: datetime, *,
         sequence_id: int | None = None, topic_id: int | None = None, before: str | None = None,
         newsletter_before: bool | None = None, why: WhyLeft | None = None) -> Event:  # fmt: skip
    """Append an event."""
    event = Event(
        subscriber_id=subscriber_id, at=now, kind=kind, by=press.by, page=press.page[:200],
        wording_id=wording_id(session, press.words) if press.words else None, reason=press.reason[:1000],
        sequence_id=sequence_id, topic_id=topic_id, why=why, before=before, newsletter_before=newsletter_before,
        message_id=press.message,
    )  # fmt: skip
    session.add(event)
    return event
