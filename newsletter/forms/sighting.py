"""Where a form was seen last: one row for each of the owner's sites, and nothing about who looked."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import insert_into
from newsletter.db import Base
from newsletter.forms.form import Form

EVERY = timedelta(minutes=1)
"""A sighting younger than this is not written down anew."""


class Sighting(Base):
    """One form on one site."""

    __tablename__ = "form_sightings"

    form_id: Mapped[int] = mapped_column(ForeignKey(Form.id, ondelete="CASCADE"), primary_key=True)
    origin: Mapped[str] = mapped_column(String(270), primary_key=True)
    seen_at: Mapped[datetime]


def is_due(session: Session, form: Form, origin: str, now: datetime) -> bool:
    """Whether a sighting here and now would be news."""
    seen = session.scalar(select(Sighting.seen_at).where(Sighting.form_id == form.id, Sighting.origin == origin))
    return seen is None or seen <= now - EVERY


def note_sighting(session: Session, form_id: int, origin: str, now: datetime) -> None:
    """Write down that a form stands on this site. Safe against two at once."""
    fresh = insert_into(session, Sighting).values(form_id=form_id, origin=origin, seen_at=now)
    session.execute(
        fresh.on_conflict_do_update(index_elements=["form_id", "origin"], set_={"seen_at": fresh.excluded.seen_at})
    )


def sightings(session: Session) -> dict[int, list[Sighting]]:
    """Where each form was seen, by its id; the newest first."""
    found: dict[int, list[Sighting]] = {}
    for one in session.scalars(select(Sighting).order_by(Sighting.seen_at.desc(), Sighting.origin)):
        found.setdefault(one.form_id, []).append(one)
    return found
