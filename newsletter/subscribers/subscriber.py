"""Subscriber: one person at one address, and which mail they may receive."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Index, String, and_, false, func, or_, select, text, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id
from newsletter.figures import figure
from newsletter.subscribers.address import Address
from newsletter.subscribers.name import LONGEST_NAME, clean_name


class Status(StrEnum):
    """A subscriber's status."""

    PENDING = "pending"
    """Signed up, not confirmed yet."""
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    """The address does not exist."""
    COMPLAINED = "complained"
    """Reported our mail as spam."""


class Stream(StrEnum):
    """The kind of a message; decides who may receive it."""

    CONFIRM = "confirm"
    REMINDER = "reminder"
    GUIDE = "guide"
    GOODBYE = "goodbye"
    PROVE = "prove"
    """A link requested on the reader's own page that proves access to the mailbox."""
    STEP = "step"
    CAMPAIGN = "campaign"
    DIGEST = "digest"
    """A week's campaigns in one mail, for those who chose it."""
    TEST = "test"
    """To the owner."""
    NOTICE = "notice"
    """To the owner, from this program."""
    RESET = "reset"
    """To an owner who forgot their password."""
    INVITATION = "invitation"
    """To somebody invited to the team."""
    LOGIN = "login"
    """To both addresses of a team member who changes their login."""

    @property
    def is_bulk(self) -> bool:
        """True for marketing mail: List-Unsubscribe, postal address, one a day."""
        return self in (Stream.STEP, *NEWSLETTER)


NEWSLETTER = (Stream.CAMPAIGN, Stream.DIGEST)
"""Streams of the newsletter."""
ALIVE = (Status.PENDING, Status.CONFIRMED, Status.UNSUBSCRIBED)

# Which statuses may receive which stream. CONFIRM excludes only those who complained: signing up again must be possible
# after leaving or a mistaken bounce. `form_mail` limits how often.
STATUSES: dict[Stream, tuple[Status, ...]] = {
    Stream.CONFIRM: (*ALIVE, Status.BOUNCED),
    Stream.REMINDER: (Status.PENDING,),
    Stream.GUIDE: (Status.CONFIRMED,),
    Stream.GOODBYE: (Status.UNSUBSCRIBED,),
    Stream.PROVE: ALIVE,
    Stream.STEP: (Status.CONFIRMED,),
    Stream.CAMPAIGN: (Status.CONFIRMED,),
    Stream.DIGEST: (Status.CONFIRMED,),
}


_PAUSED = text("paused_until IS NOT NULL")


class Subscriber(Base):
    """One person at one address. `email_key` identifies them across spellings."""

    __tablename__ = "subscribers"
    __table_args__ = (
        Index("ix_subscribers_status_id", "status", "id"),
        Index("ix_subscribers_paused_until", "paused_until", postgresql_where=_PAUSED, sqlite_where=_PAUSED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    # Collated by code point, so that the unique index also serves prefix searches.
    email_key: Mapped[str] = mapped_column(
        String(254).with_variant(String(254, collation="C"), "postgresql"), unique=True
    )
    first_name: Mapped[str] = mapped_column(String(LONGEST_NAME), default="")
    zone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(16))
    """Of their pages and mails; None: the newsletter's. Use `Languages.spoken`: the catalogue may have been removed."""
    status: Mapped[Status] = mapped_column(default=Status.PENDING)
    newsletter: Mapped[bool] = mapped_column(default=False)
    every_topic: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Receives all topics, including future ones; if False, those in `Subscription`."""
    paused_until: Mapped[datetime | None] = mapped_column()
    """Until when the reader has paused bulk mail; they can also end it earlier."""
    digest: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the reader chose campaigns as one weekly mail. Kept when they leave: it only narrows."""
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None] = mapped_column()
    left_at: Mapped[datetime | None] = mapped_column()
    moved_at: Mapped[datetime | None] = mapped_column()
    """When they last changed address; bounces of earlier mail concern the previous one."""

    @property
    def address(self) -> Address:
        """The address and its key."""
        return Address(email=self.email, key=self.email_key)

    def may_receive(self, stream: Stream) -> bool:
        """Whether they may receive this stream now; `receivable` is the same rule in SQL (a test compares them)."""
        return self.takes(stream) and not (stream.is_bulk and self.is_paused)

    def takes(self, stream: Stream) -> bool:
        """Whether they receive this stream at all, regardless of a pause, which only delays it."""
        if self.status not in STATUSES.get(stream, ()):
            return False
        return self.newsletter if stream in NEWSLETTER else True

    @property
    def is_paused(self) -> bool:
        """Whether they have paused bulk mail."""
        return self.paused_until is not None

    def confirm(self, now: datetime) -> None:
        """Confirm the address, after its owner confirmed by mail. Ends an earlier unsubscription."""
        self.status = Status.CONFIRMED
        self.confirmed_at = self.confirmed_at or now
        self.left_at = None

    def unsubscribe(self, now: datetime) -> bool:
        """Unsubscribe, effective from the next claim; False if they already left, bounced or complained."""
        if self.status not in (Status.PENDING, Status.CONFIRMED):
            return False
        self.status, self.newsletter, self.left_at, self.paused_until = Status.UNSUBSCRIBED, False, now, None
        return True

    def stop_mail(self, status: Status, now: datetime) -> None:
        """Set BOUNCED or COMPLAINED, and stop all mail."""
        self.status, self.newsletter, self.left_at, self.paused_until = status, False, self.left_at or now, None

    def move(self, address: Address, now: datetime) -> None:
        """Change their address. Links in earlier mails keep working."""
        self.email, self.email_key, self.moved_at = address.email, address.key, now

    def rename(self, typed: str) -> None:
        """Set the first name from a form; an empty or invalid one changes nothing."""
        self.first_name = clean_name(typed) or self.first_name


def receivable(stream: ColumnElement[Stream]) -> ColumnElement[bool]:
    """`Subscriber.may_receive` as an SQL condition on the joined subscriber, for batch claims."""
    allowed = [and_(stream == s, Subscriber.status.in_(found)) for s, found in STATUSES.items() if not s.is_bulk]
    steps = (Subscriber.status.in_(STATUSES[Stream.STEP]), Subscriber.paused_until.is_(None))
    return or_(and_(stream.in_(NEWSLETTER), receives_campaigns()), and_(stream == Stream.STEP, *steps), *allowed)


def receives_campaigns() -> ColumnElement[bool]:
    """`receivable` for campaign mail."""
    confirmed = Subscriber.status.in_(STATUSES[Stream.CAMPAIGN])
    return and_(confirmed, Subscriber.newsletter, Subscriber.paused_until.is_(None))


def find(session: Session, address: Address) -> Subscriber | None:
    """The subscriber with this address, or None."""
    return session.scalar(select(Subscriber).where(Subscriber.email_key == address.key))


def register(session: Session, address: Address, now: datetime, first_name: str = "",
             language: str | None = None) -> Subscriber:  # fmt: skip
    """The subscriber with this address, locked; created as pending if new. Safe under concurrency.

    Runs the same statements in both cases, so that timing does not reveal who is known. An existing one is unchanged.
    """
    fresh = {"email": address.email, "email_key": address.key, "first_name": clean_name(first_name),
             "language": language, "created_at": now}  # fmt: skip
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(Subscriber).values(fresh).on_conflict_do_nothing(index_elements=["email_key"]))
    look = select(Subscriber).where(Subscriber.email_key == address.key).with_for_update()
    return session.scalars(look.execution_options(populate_existing=True)).one()


def count_by_status(session: Session) -> dict[Status, int]:
    """Number of subscribers by status, including zeros."""
    look = select(Subscriber.status, func.count()).group_by(Subscriber.status)
    found = figure(session, "people by status", lambda it: dict(it.execute(look).all()))
    return dict.fromkeys(Status, 0) | found
