"""FormMail: limits on mail caused by forms, against list bombing.

Anybody can type anybody's address. The counts are in the database, so they hold for any client and form, and when Redis
has lost its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id
from newsletter.subscribers.address import Address
from newsletter.subscribers.suppression import address_hashes

MOST_A_DAY = 3
"""Mails per mailbox in 24 hours, over all spellings, kinds of mail and clients."""
MOST_A_MONTH = 6
"""Mails in 30 days to a mailbox that was never confirmed."""
BOUNCED_AGAIN_AFTER = timedelta(days=7)
"""How long after the last mail a bounced address may be tried again."""
LONGEST_WAIT = timedelta(days=2)
"""A mail that the domain limit would delay for longer is not sent at all."""
DAY, MONTH = timedelta(days=1), timedelta(days=30)


class FormMail(Base):
    """One mail caused by a form, whether sent or withheld. Holds keyed hashes, no address."""

    __tablename__ = "form_mails"
    __table_args__ = (
        Index("ix_form_mails_mailbox", "mailbox_hash", "at"),
        Index("ix_form_mails_domain", "domain_hash", "at"),
        Index("ix_form_mails_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailbox_hash: Mapped[str] = mapped_column(String(64))
    domain_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    """When it may be sent: later than requested if the domain limit delays it."""
    sent: Mapped[bool]
    """Whether it was queued; mail withheld by a limit or suppression is recorded too."""
    proven: Mapped[bool]
    """Whether the address was confirmed."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may still be sent to a mailbox because of forms."""

    mailbox_hash: str
    domain_hash: str
    today: int
    unproven_this_month: int
    last_sent_at: datetime | None
    domain_free_at: datetime

    def permits(self, *, proven: bool) -> bool:
        """Whether one more mail may be sent."""
        return self.today < MOST_A_DAY and (proven or self.unproven_this_month < MOST_A_MONTH)

    def waits_too_long(self, now: datetime) -> bool:
        """Whether the domain limit would delay it so long that it is not sent."""
        return self.domain_free_at > now + LONGEST_WAIT

    def may_ask_bounced(self, now: datetime) -> bool:
        """Whether a bounced address may be tried again."""
        return self.last_sent_at is None or self.last_sent_at <= now - BOUNCED_AGAIN_AFTER


def allowance(
    session: Session, secrets: Sequence[bytes], address: Address, domain_limit: int, now: datetime
) -> Allowance:
    """What may still be sent to this address's mailbox. Locks the mailbox until the transaction ends.

    `domain_limit`: mails a day to unconfirmed addresses of one domain; 0: unlimited.
    """
    mailboxes, domains = address_hashes(secrets, address.mailbox), address_hashes(secrets, f"@{address.domain}")
    if session.get_bind().dialect.name == "postgresql":  # SQLite has a single writer anyway
        session.execute(select(func.pg_advisory_xact_lock(int(mailboxes[0][:15], 16))))
    here = (FormMail.mailbox_hash.in_(mailboxes), FormMail.sent, FormMail.at > now - MONTH)
    rows = session.execute(select(FormMail.at, FormMail.proven).where(*here).order_by(FormMail.at)).all()
    full = (FormMail.domain_hash.in_(domains), FormMail.sent, ~FormMail.proven, FormMail.at > now - DAY)
    before = session.scalar(
        select(FormMail.at).where(*full).order_by(FormMail.at.desc()).offset(max(domain_limit - 1, 0)).limit(1)
    )
    return Allowance(
        mailbox_hash=mailboxes[0],
        domain_hash=domains[0],
        today=sum(at > now - DAY for at, _ in rows),
        unproven_this_month=sum(not proven for _, proven in rows),
        last_sent_at=rows[-1][0] if rows else None,
        domain_free_at=before + DAY if before is not None and domain_limit else now,
    )


def forget_old(session: Session, now: datetime) -> None:
    """Delete rows too old for any limit."""
    session.execute(delete(FormMail).where(FormMail.at < now - MONTH))
