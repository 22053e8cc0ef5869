"""How often a form came into view: a number for each page and day, and nothing about who looked."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.bulk import insert_into
from newsletter.db import Base
from newsletter.forms.form import Form

LONGEST_PAGE = 200
MOST_PAGES = 100
"""Pages with a number of their own, for one form and day. Any further ones are counted together, as ""."""


class View(Base):
    """The views of one form on one page on one day."""

    __tablename__ = "form_views"

    form_id: Mapped[int] = mapped_column(ForeignKey(Form.id, ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    """In UTC."""
    page: Mapped[str] = mapped_column(String(LONGEST_PAGE), primary_key=True)
    """As `Consent.page` names it."""
    times: Mapped[int]


def count_views(session: Session, seen: Mapping[tuple[int, str], int], day: date) -> None:
    """Add how often each form was seen on each page. Safe against two at once; forms that are gone are left out."""
    forms = set(session.scalars(select(Form.id).where(Form.id.in_({form for form, _ in seen}))))
    for form in sorted(forms):
        _count(session, form, {page[:LONGEST_PAGE]: times for (of, page), times in seen.items() if of == form}, day)


def _count(session: Session, form: int, seen: Mapping[str, int], day: date) -> None:
    known = set(session.scalars(select(View.page).where(View.form_id == form, View.day == day)))
    told: dict[str, int] = {}
    for page, times in seen.items():
        if page not in known and len(known) >= MOST_PAGES:
            page = ""
        known.add(page)
        told[page] = told.get(page, 0) + times
    # One after the other, in order: two who count the same pages never wait for each other in a circle.
    for page, times in sorted(told.items()):
        fresh = insert_into(session, View).values(form_id=form, day=day, page=page, times=times)
        more = {"times": View.times + fresh.excluded.times}
        session.execute(fresh.on_conflict_do_update(index_elements=["form_id", "day", "page"], set_=more))
