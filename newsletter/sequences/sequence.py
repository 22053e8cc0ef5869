"""Sequence and Step: which articles follow, in which order, after which delays."""

from datetime import datetime, time

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from newsletter.articles import Article
from newsletter.db import Base, Id
from newsletter.sequences.delay import EVERY_DAY, Delay, Unit


class Sequence(Base):
    """A series, usually started by asking for a guide. `live` off: nobody is enrolled and nothing is sent."""

    __tablename__ = "sequences"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    guide_slug: Mapped[str | None] = mapped_column(String(64), index=True)
    """The guide whose confirmation starts it."""
    live: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    steps: Mapped[list["Step"]] = relationship(order_by="Step.position", back_populates="sequence")

    @property
    def current_steps(self) -> list["Step"]:
        """The steps that are not deleted, in order."""
        return sorted((step for step in self.steps if step.deleted_at is None), key=lambda step: step.position)

    def after(self, step: "Step | None") -> "Step | None":
        """The step that follows `step` (None: the first). A step deleted meanwhile still knows its place."""
        reached = step.position if step else 0
        return next((one for one in self.current_steps if one.position > reached), None)

    def append(self, article: Article, delay: Delay) -> "Step":
        """Add a step at the end. Who has finished stays finished."""
        step = Step(article=article, position=max((one.position for one in self.steps), default=0) + 1, delay=delay)
        self.steps.append(step)
        return step

    def move(self, step: "Step", up: bool) -> bool:
        """Let a step change places with its neighbour; False at either end.

        Who has passed a place does not go back to it: nobody gets an article twice.
        """
        steps = self.current_steps
        other = steps.index(step) + (-1 if up else 1)
        if not 0 <= other < len(steps):
            return False
        step.position, steps[other].position = steps[other].position, step.position
        return True


class Step(Base):
    """One article of a sequence. Its id is stable; deleting only marks it, so that history keeps its meaning."""

    __tablename__ = "steps"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sequence_id: Mapped[int] = mapped_column(ForeignKey("sequences.id"), index=True)
    article_id: Mapped[int] = mapped_column(ForeignKey("articles.id"))
    position: Mapped[int]
    delay_amount: Mapped[int]
    delay_unit: Mapped[Unit]
    weekdays: Mapped[int] = mapped_column(default=EVERY_DAY)
    not_before: Mapped[time | None]
    deleted_at: Mapped[datetime | None]

    sequence: Mapped[Sequence] = relationship(back_populates="steps")
    article: Mapped[Article] = relationship()

    @property
    def delay(self) -> Delay:
        """How long after the mail before it."""
        return Delay(self.delay_amount, self.delay_unit, self.weekdays, self.not_before)

    @delay.setter
    def delay(self, delay: Delay) -> None:
        self.delay_amount, self.delay_unit = delay.amount, delay.unit
        self.weekdays, self.not_before = delay.weekdays, delay.not_before

    def remove(self, now: datetime) -> None:
        """Take it out of the series: nobody gets it from now on."""
        self.deleted_at = self.deleted_at or now
