"""Subscriber: one person at one address, and the rule that says what they may be sent."""

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
    """Where a person stands."""

    PENDING = "pending"
    """Signed up; the address is not proven yet."""
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    """The address does not exist (any more)."""
    COMPLAINED = "complained"
    """Reported our mail as spam."""


class Stream(StrEnum):
    """What kind of mail a message is; decides who may receive it."""

    CONFIRM = "confirm"
    REMINDER = "reminder"
    GUIDE = "guide"
    GOODBYE = "goodbye"
    PROVE = "prove"
    """A link that a reader has asked for on their own page, and that proves that the mailbox is theirs."""
    STEP = "step"
    CAMPAIGN = "campaign"
    DIGEST = "digest"
    """The campaigns of a week in one mail, to those who chose that."""
    TEST = "test"
    """To the owner."""
    NOTICE = "notice"
    """To the owner, from the product."""
    RESET = "reset"
    """To an owner who forgot their password."""
    INVITATION = "invitation"
    """To somebody whom an owner asks into the team."""
    LOGIN = "login"
    """To both addresses of somebody of the team who is to sign in with another one."""

    @property
    def is_bulk(self) -> bool:
        """True for marketing mail: List-Unsubscribe, postal address, one a day."""
        return self in (Stream.STEP, *NEWSLETTER)


NEWSLETTER = (Stream.CAMPAIGN, Stream.DIGEST)
"""What comes of the newsletter."""
ALIVE = (Status.PENDING, Status.CONFIRMED, Status.UNSUBSCRIBED)

# Which status may receive which stream. CONFIRM goes to all but those who complained: agreeing anew must be possible
# after leaving, and after a bounce by mistake. How often is the sign-up's to say (`form_mail`).
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
    """One person at one address. `email_key` is what makes two spellings one person."""

    __tablename__ = "subscribers"
    __table_args__ = (
        Index("ix_subscribers_status_id", "status", "id"),
        Index("ix_subscribers_paused_until", "paused_until", postgresql_where=_PAUSED, sqlite_where=_PAUSED),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    # By code points: so the unique index also finds whose address begins with something.
    email_key: Mapped[str] = mapped_column(
        String(254).with_variant(String(254, collation="C"), "postgresql"), unique=True
    )
    first_name: Mapped[str] = mapped_column(String(LONGEST_NAME), default="")
    zone: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[Status] = mapped_column(default=Status.PENDING)
    newsletter: Mapped[bool] = mapped_column(default=False)
    every_topic: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Takes every topic of the newsletter, those to come too. False: those they chose (`Subscription`)."""
    paused_until: Mapped[datetime | None] = mapped_column()
    """Nothing that comes by itself is sent, by the reader's own press. It ends then, or by another press."""
    digest: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Campaigns come together, in one mail a week, by the reader's own press. It narrows, and survives leaving."""
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None] = mapped_column()
    left_at: Mapped[datetime | None] = mapped_column()
    moved_at: Mapped[datetime | None] = mapped_column()
    """Since when this is their address, where it was another: what bounces of earlier mail is said of that one."""

    @property
    def address(self) -> Address:
        """Where mail goes, and the key under which it is one person."""
        return Address(email=self.email, key=self.email_key)

    def may_receive(self, stream: Stream) -> bool:
        """The rule in Python; `receivable` is the same rule in SQL, and a test holds the two together."""
        return self.takes(stream) and not (stream.is_bulk and self.is_paused)

    def takes(self, stream: Stream) -> bool:
        """Whether this kind of mail is for them at all; a pause only makes it wait."""
        if self.status not in STATUSES.get(stream, ()):
            return False
        return self.newsletter if stream in NEWSLETTER else True

    @property
    def is_paused(self) -> bool:
        """Whether they have paused what comes by itself."""
        return self.paused_until is not None

    def confirm(self, now: datetime) -> None:
        """The address is proven: its owner pressed the button in the mail. Ends an earlier unsubscription."""
        self.status = Status.CONFIRMED
        self.confirmed_at = self.confirmed_at or now
        self.left_at = None

    def unsubscribe(self, now: datetime) -> bool:
        """No more mail from the next claim on. False when they had left before, or are not written to anyway."""
        if self.status not in (Status.PENDING, Status.CONFIRMED):
            return False
        self.status, self.newsletter, self.left_at, self.paused_until = Status.UNSUBSCRIBED, False, now, None
        return True

    def stop_mail(self, status: Status, now: datetime) -> None:
        """The address bounced for good, or its owner complained: nothing more is sent to it."""
        self.status, self.newsletter, self.left_at, self.paused_until = status, False, self.left_at or now, None

    def move(self, address: Address, now: datetime) -> None:
        """Their address is another one from now on. Links in mails to the earlier one stay theirs."""
        self.email, self.email_key, self.moved_at = address.email, address.key, now

    def rename(self, typed: str) -> None:
        """Take a first name from a form; an empty one changes nothing."""
        self.first_name = clean_name(typed) or self.first_name


def receivable(stream: ColumnElement[Stream]) -> ColumnElement[bool]:
    """`Subscriber.may_receive` as an SQL condition on the joined subscriber, for claims by the batch."""
    allowed = [and_(stream == s, Subscriber.status.in_(found)) for s, found in STATUSES.items() if not s.is_bulk]
    steps = (Subscriber.status.in_(STATUSES[Stream.STEP]), Subscriber.paused_until.is_(None))
    return or_(and_(stream.in_(NEWSLETTER), receives_campaigns()), and_(stream == Stream.STEP, *steps), *allowed)


def receives_campaigns() -> ColumnElement[bool]:
    """The same where it is a campaign's mail."""
    confirmed = Subscriber.status.in_(STATUSES[Stream.CAMPAIGN])
    return and_(confirmed, Subscriber.newsletter, Subscriber.paused_until.is_(None))


def find(session: Session, address: Address) -> Subscriber | None:
    """The subscriber at this address, if any."""
    return session.scalar(select(Subscriber).where(Subscriber.email_key == address.key))


def register(session: Session, address: Address, now: datetime, first_name: str = "") -> Subscriber:
    """The subscriber at this address, locked: the one there is, else a new pending one. Safe against two at once.

    The same statements for both, so that the time it takes tells nobody who is known.
    """
    fresh = {"email": address.email, "email_key": address.key, "first_name": clean_name(first_name), "created_at": now}
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(Subscriber).values(fresh).on_conflict_do_nothing(index_elements=["email_key"]))
    look = select(Subscriber).where(Subscriber.email_key == address.key).with_for_update()
    return session.scalars(look.execution_options(populate_existing=True)).one()


def count_by_status(session: Session) -> dict[Status, int]:
    """How many people stand where; every status is there, with 0 when nobody is."""
    look = select(Subscriber.status, func.count()).group_by(Subscriber.status)
    found = figure(session, "people by status", lambda it: dict(it.execute(look).all()))
    return dict.fromkeys(Status, 0) | found
