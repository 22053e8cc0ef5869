"""Place: which steps of a sequence people have had."""

from collections.abc import Iterable

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id


class Place(Base):
    """Which steps somebody has had and which they will never get; one row shared by all with the same history.

    A sequence has a few dozen, however many people are in it: a change of its steps is decided place by place, without
    touching enrollments. Somebody who has had nothing yet has no place.
    """

    __tablename__ = "places"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id", ondelete="CASCADE"), index=True)
    had: Mapped[list[int]] = mapped_column(JSON)
    """Ids of the steps they were sent, ascending."""
    skipped: Mapped[list[int]] = mapped_column(JSON)
    """Ids of steps published at a position they had passed, ascending."""

    @property
    def closed(self) -> set[int]:
        """The ids of steps that nobody at this place will get."""
        return {*self.had, *self.skipped}


class Places:
    """The places of some sequences, and the transitions between them.

    Hold the sequence's lock: a step published meanwhile would miss a new place.
    """

    def __init__(self, session: Session, known: Iterable[Place]) -> None:
        self._session = session
        self._known = {self._key(one.sequence_id, one.had, one.skipped): one for one in known}

    def after(self, sequence_id: int, place: Place | None, step_id: int) -> Place:
        """The place of somebody who has had this step too, adding it if it is new."""
        had = sorted({*place.had, step_id} if place else {step_id})
        skipped = place.skipped if place else []
        key = self._key(sequence_id, had, skipped)
        if key not in self._known:
            self._known[key] = Place(sequence_id=sequence_id, had=had, skipped=list(skipped))
            self._session.add(self._known[key])
        return self._known[key]

    @staticmethod
    def _key(
        sequence_id: int, had: Iterable[int], skipped: Iterable[int]
    ) -> tuple[int, frozenset[int], frozenset[int]]:
        return sequence_id, frozenset(had), frozenset(skipped)
