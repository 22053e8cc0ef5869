"""The secret webhook address of each sending service, and when it was last used."""

from datetime import datetime
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base
from newsletter.feedback.bounce import MAY_BOUNCE
from newsletter.links import Purpose, Signer
from newsletter.mail.incoming import Service
from newsletter.mail.ledger import Message
from newsletter.subscribers import BadAddress, find, read_address


class ReportAddress(Base):
    """One service's webhook address."""

    __tablename__ = "report_addresses"

    service: Mapped[str] = mapped_column(String(16), primary_key=True)
    generation: Mapped[int] = mapped_column(default=0, server_default="0")
    """Incremented when the owner asks for a new address, which invalidates earlier ones."""
    last_at: Mapped[datetime | None] = mapped_column(default=None)
    """When the service last reported anything."""


def report_addresses(session: Session) -> dict[Service, ReportAddress]:
    """The address of every service, including unsaved ones."""
    known = {one.service: one for one in session.scalars(select(ReportAddress))}
    return {one: known.get(one) or ReportAddress(service=one, generation=0) for one in Service}


def report_token(signer: Signer, address: ReportAddress) -> str:
    """The secret part of the address."""
    return signer.token(Purpose.REPORTS, _number(Service(address.service)), address.generation)


def is_current(session: Session, signer: Signer, service: Service, token: str) -> bool:
    """Whether this token belongs to the service's current address. Raises BadLink if it was not signed by us."""
    address = session.get(ReportAddress, service)
    numbers = signer.numbers(Purpose.REPORTS, token)
    return numbers == (_number(service), address.generation if address else 0)


def renew(session: Session, service: Service) -> None:
    """Give the service a new address; reports to the previous one are refused."""
    _upsert(session, service, {"generation": ReportAddress.generation + 1}, generation=1)


def heard_of(session: Session, service: Service, now: datetime) -> None:
    """Record that the service reported something. Safe under concurrency."""
    _upsert(session, service, {"last_at": now}, generation=0, last_at=now)


def _upsert(session: Session, service: Service, changes: dict[str, Any], **values: Any) -> None:
    insert: Any = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    fresh = insert(ReportAddress).values(service=service, **values)
    session.execute(fresh.on_conflict_do_update(index_elements=["service"], set_=changes))


def _number(service: Service) -> int:
    return int.from_bytes(service.encode())


def newest_to(session: Session, address: str) -> int | None:
    """Id of the newest message sent to the subscriber with this address, or None."""
    try:
        person = find(session, read_address(address))
    except BadAddress:
        return None
    if person is None:
        return None
    newest = select(Message.id).where(Message.subscriber_id == person.id, Message.state.in_(MAY_BOUNCE))
    return session.scalar(newest.order_by(Message.id.desc()).limit(1))
