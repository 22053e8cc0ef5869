"""Place: how far people have come in a sequence, remembered by step."""

from collections.abc import Iterable

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from newsletter.db import Base, Id


class Place(Base):
    """Which steps somebody has had, and which were never theirs; one row for all who have come the same way.

    A sequence has a few dozen of them, however many people are in it: a change of its steps is decided place by place,
    and touches nobody's own row. Who has had nothing yet has no place.
    """

    __tablename__ = "places"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id", ondelete="CASCADE"), index=True)
    had: Mapped[list[int]] = mapped_column(JSON)
    """Ids of the steps they were sent, ascending."""
    skipped: Mapped[list[int]] = mapped_column(JSON)
    """Ids of steps that were published behind them, ascending."""

    @property
    def closed(self) -> set[int]:
        """Ids of the steps that nobody here gets any more."""
        return {*self.had, *self.skipped}


class Places:
    """The places of the sequences at hand, and the way from one to the next.

    Hold the sequence's lock: a step that is published meanwhile would not be told to a new place.
    """

    def __init__(self, session: Session, known: Iterable[Place]) -> None:
        self._session = session
        self._known = {self._key(one.sequence_id, one.had, one.skipped): one for one in known}

    def behind(self, sequence_id: int, place: Place | None, step_id: int) -> Place:
        """Where somebody stands who has had this step too."""
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
