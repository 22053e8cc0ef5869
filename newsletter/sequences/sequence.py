"""Sequence and Step: which articles are sent, in which order, after which delays."""

from datetime import datetime, time, timedelta

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from newsletter.articles import Article
from newsletter.db import Base, Id
from newsletter.sequences.delay import EVERY_DAY, Delay, Unit
from newsletter.sequences.place import Place


class Sequence(Base):
    """A series, usually started by asking for a guide. If not `live`, nothing is sent and its clock stands still."""

    __tablename__ = "sequences"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    guide_slug: Mapped[str | None] = mapped_column(String(64), index=True)
    """The guide whose confirmation starts it."""
    live: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    paused_at: Mapped[datetime | None] = mapped_column()
    """Since when it has been off."""
    pauses: Mapped[timedelta] = mapped_column(default=timedelta())
    """Total time it was off, up to when it was last switched on."""

    steps: Mapped[list["Step"]] = relationship(order_by="Step.position", back_populates="sequence")
    places: Mapped[list[Place]] = relationship(order_by=Place.id)

    def lock(self, session: Session) -> None:
        """Lock its row: edits and ticks take turns, and sign-ups are not blocked."""
        session.refresh(self, with_for_update={"key_share": True})

    @property
    def current_steps(self) -> list["Step"]:
        """The published steps in order."""
        return sorted((step for step in self.steps if step.deleted_at is None), key=lambda step: step.position)

    def ahead(self, place: Place | None) -> list["Step"]:
        """The steps still to come for people at this place, in order."""
        closed = place.closed if place else set()
        return [step for step in self.current_steps if step.id not in closed]

    def stood_still(self, now: datetime) -> timedelta:
        """How long its clock has stood still in total."""
        running = max(now - self.paused_at, timedelta()) if self.paused_at else timedelta()
        return self.pauses + running

    def switch_on(self, now: datetime) -> None:
        """Switch it on: everybody continues where they were, later by as long as it was off."""
        self.pauses, self.paused_at, self.live = self.stood_still(now), None, True

    def append(self, article: Article, delay: Delay) -> "Step":
        """Add a step at the end. People who have finished stay finished."""
        step = Step(
            article=article, position=self._end(), delay_amount=delay.amount, delay_unit=delay.unit,
            weekdays=delay.weekdays, not_before=delay.not_before,
        )  # fmt: skip
        self.steps.append(step)
        return step

    def publish(self, session: Session, article: Article, delay: Delay, before: "Step | None" = None) -> "Step":
        """Add an article before a step, or at the end. A removed article returns as the step it was.

        Only people who have not passed its position get it.
        """
        step = next((one for one in self.steps if one.article_id == article.id and one.deleted_at), None)
        if step is None:
            step = self.append(article, delay)
        step.delay, step.deleted_at, step.position = delay, None, self._end()
        if before is not None:
            step.position = before.position
            for other in self.steps:
                if other is not step and other.position >= step.position:
                    other.position += 1
        session.flush()  # places refer to its id
        for place in self.places:
            skipped = set(place.skipped) - {step.id}
            if step.id not in place.had and self._has_passed(place, step, skipped):
                skipped.add(step.id)
            place.skipped = sorted(skipped)
        return step

    def _has_passed(self, place: Place, step: "Step", skipped: set[int]) -> bool:
        closed = {*place.had, *skipped, step.id}
        to_come_first = any(one.position < step.position for one in self.current_steps if one.id not in closed)
        return not to_come_first and any(one.position > step.position for one in self.steps if one.id in place.had)

    def _end(self) -> int:
        return max((one.position for one in self.steps), default=0) + 1

    def move(self, step: "Step", up: bool) -> bool:
        """Swap a step with its neighbour; return False at either end. This changes the order, not who gets it."""
        steps = self.current_steps
        other = steps.index(step) + (-1 if up else 1)
        if not 0 <= other < len(steps):
            return False
        step.position, steps[other].position = steps[other].position, step.position
        return True


def follow(session: Session, guide_slug: str, title: str, now: datetime) -> Sequence:
    """Create an empty series for a guide, off until the owner switches it on."""
    known = session.scalar(select(Sequence.id).where(Sequence.slug == guide_slug))
    slug = guide_slug if known is None else f"{guide_slug[:50]}-{now:%Y%m%d%H%M}"
    made = Sequence(
        slug=slug, name=f"After the guide: {title}"[:200], guide_slug=guide_slug, live=False, created_at=now
    )
    session.add(made)
    session.flush()
    return made


class Step(Base):
    """One article of a sequence. Its id is stable, and deleting only marks it, so that history stays meaningful."""

    __tablename__ = "steps"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"), index=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    position: Mapped[int]
    delay_amount: Mapped[int]
    delay_unit: Mapped[Unit]
    weekdays: Mapped[int] = mapped_column(default=EVERY_DAY)
    not_before: Mapped[time | None] = mapped_column()
    deleted_at: Mapped[datetime | None] = mapped_column()

    sequence: Mapped[Sequence] = relationship(back_populates="steps")
    article: Mapped[Article] = relationship()

    @property
    def delay(self) -> Delay:
        """The delay after the previous mail."""
        return Delay(amount=self.delay_amount, unit=self.delay_unit, weekdays=self.weekdays, not_before=self.not_before)

    @delay.setter
    def delay(self, delay: Delay) -> None:
        self.delay_amount, self.delay_unit = delay.amount, delay.unit
        self.weekdays, self.not_before = delay.weekdays, delay.not_before

    def remove(self, now: datetime) -> None:
        """Remove it from the series: nobody gets it from now on."""
        self.deleted_at = self.deleted_at or now
