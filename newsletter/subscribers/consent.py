"""Consent: what a person agreed to, when, where and in which words (UK GDPR Art. 7(1): the owner must prove it)."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    delete,
    exists,
    select,
    text,
    true,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.db import Base, Id
from newsletter.events import Event
from newsletter.subscribers.field import LONGEST_VALUE, Field
from newsletter.subscribers.name import LONGEST_NAME
from newsletter.subscribers.subscriber import Subscriber
from newsletter.wordings import Wording

_HAS_IP = text("ip IS NOT NULL")


class Basis(StrEnum):
    """What proves a consent."""

    MAIL = "mail"
    """A confirmation through the link in the person's own mail."""
    PAGE = "page"
    """A button on their own library or preferences page."""
    IMPORT = "import"
    """The owner's statement at an import; the wording names the basis."""
    FORM = "form"
    """A form alone: older versions accepted that for an address already confirmed."""


class Consent(Base):
    """One act of consent. Append-only; `confirmed_at` and `basis` are set once, when the person confirms.

    Until then it is open. Leaving, a bounce or a complaint ends open ones, so that an old link revives nobody.
    """

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_ip", "given_at", postgresql_where=_HAS_IP, sqlite_where=_HAS_IP),
        CheckConstraint("basis IN ('mail', 'page', 'import', 'form')", name="basis"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    guide: Mapped[str | None] = mapped_column(String(64))
    newsletter: Mapped[bool] = mapped_column(default=False)
    every_topic: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether a consent to the newsletter covers all topics; if not, see `ConsentTopic`."""
    wording_id: Mapped[int] = mapped_column(ForeignKey(Wording.id))
    page: Mapped[str] = mapped_column(String(200), default="")
    form: Mapped[str] = mapped_column(String(64), default="")
    """The form's name at the time; kept when the form is deleted."""
    form_id: Mapped[int | None] = mapped_column(ForeignKey("forms.id", ondelete="SET NULL"))
    ip: Mapped[str | None] = mapped_column(String(45))
    first_name: Mapped[str] = mapped_column(String(LONGEST_NAME), default="")
    """The name typed into the form; copied to the subscriber on confirmation."""
    language: Mapped[str | None] = mapped_column(String(16))
    """The form's language, copied to the subscriber on confirmation; None if it had none."""
    given_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None] = mapped_column()
    basis: Mapped[Basis | None] = mapped_column()
    ended_at: Mapped[datetime | None] = mapped_column()

    subscriber: Mapped[Subscriber] = relationship()
    wording: Mapped[Wording] = relationship()
    """The exact text they were shown, with its version."""

    def confirm(self, now: datetime, basis: Basis = Basis.MAIL) -> bool:
        """Mark the consent as confirmed; False if it already was."""
        if self.confirmed_at is not None:
            return False
        self.confirmed_at, self.basis = now, basis
        return True

    @property
    def is_over(self) -> bool:
        """Whether it was never confirmed and the person has left, bounced or complained since."""
        left = self.subscriber.left_at
        return self.confirmed_at is None and (self.ended_at is not None or (left is not None and self.given_at < left))


def open_consents(session: Session, subscriber: Subscriber, since: datetime) -> list[Consent]:
    """A subscriber's open consents given at `since` or later, oldest first."""
    look = select(Consent).where(
        Consent.subscriber_id == subscriber.id, Consent.confirmed_at.is_(None), Consent.ended_at.is_(None),
        Consent.given_at >= since,
    )  # fmt: skip
    return list(session.scalars(look.order_by(Consent.id)))


def end_open(session: Session, subscriber_id: int, now: datetime) -> None:
    """End all open consents of a subscriber, which invalidates their confirmation links."""
    session.execute(
        update(Consent)
        .where(Consent.subscriber_id == subscriber_id, Consent.confirmed_at.is_(None), Consent.ended_at.is_(None))
        .values(ended_at=now)
    )
    forget_typed(session, Consent.subscriber_id == subscriber_id)


class TypedValue(Base):
    """A custom field value typed into a form; kept until the consent is confirmed, then moved to FieldValue."""

    __tablename__ = "typed_values"

    consent_id: Mapped[int] = mapped_column(ForeignKey(Consent.id, ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[int] = mapped_column(ForeignKey(Field.id, ondelete="CASCADE"), primary_key=True, index=True)
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE))
    """As returned by `Field.read`."""


def typed_values(session: Session, consents: Collection[int]) -> dict[Field, str]:
    """The values typed with these consents, by field; the latest wins."""
    look = (
        select(Field, TypedValue.value)
        .join(TypedValue, TypedValue.field_id == Field.id)
        .where(TypedValue.consent_id.in_(consents))
        .order_by(Field.id, TypedValue.consent_id)
    )
    return dict(session.execute(look).all())


def forget_typed(session: Session, *whose: ColumnElement[bool]) -> None:
    """Delete the values typed with the consents matching `whose`."""
    ids = select(Consent.id).where(*whose)
    gone = delete(TypedValue).where(TypedValue.consent_id.in_(ids))
    session.execute(gone.execution_options(synchronize_session=False))


def forget_old_typed(session: Session, before: datetime) -> None:
    """Delete values typed before this whose consent was never confirmed: its link has expired."""
    old = select(TypedValue.consent_id).join(Consent).where(Consent.given_at <= before)
    gone = delete(TypedValue).where(TypedValue.consent_id.in_(old))
    session.execute(gone.execution_options(synchronize_session=False))


def forget_open(session: Session, subscriber_id: int) -> None:
    """Delete a subscriber's open consents, because somebody else had typed the address."""
    open_ones = (Consent.subscriber_id == subscriber_id, Consent.confirmed_at.is_(None), Consent.ended_at.is_(None))
    session.execute(delete(Consent).where(*open_ones))


def forget_mentions(session: Session, address: str) -> None:
    """Remove an erased address from the wordings that owners typed as the basis of an import.

    Texts that readers were shown stay unchanged: a form may mention the owner's own address.
    """
    for named in session.scalars(select(Wording).where(Wording.words.icontains(address, autoescape=True))).all():
        agreed = (Consent.wording_id == named.id, Consent.basis.is_distinct_from(Basis.IMPORT))
        if session.scalar(select(exists().where(*agreed) | exists().where(Event.wording_id == named.id))) is False:
            named.forget(address)


def forget_ips(session: Session, before: datetime, limit: int = 1000) -> int:
    """Clear the IP address of the next `limit` consents given before this; returns how many had one."""
    old = select(Consent.id).where(Consent.ip.is_not(None), Consent.given_at < before).limit(limit)
    ids = session.scalars(old).all()
    forgotten = update(Consent).where(Consent.id.in_(ids)).values(ip=None)
    session.execute(forgotten.execution_options(synchronize_session=False))
    return len(ids)
