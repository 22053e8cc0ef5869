"""Two series, and where the crowd stands in them: as rows, and as the series itself says what comes next."""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from sqlalchemy.orm import Session

from newsletter.articles import write
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Place, Sequence, Unit
from newsletter.subscribers.segments.rules import Stage
from tests.conftest import NOON

WAYS = (
    (), ("stopped",), ("stopped", "stopped"), ("finished",), ("stopped", "finished"), ("waiting",), ("active",),
    ("stopped", "waiting"), ("stopped", "active"),
)  # fmt: skip
"""The enrollments that somebody may have in a series, the oldest first."""


@dataclass
class Ways:
    """Where one person stands, by series; and the steps that come next."""

    stages: dict[int, Stage] = field(default_factory=dict)
    next: set[int] = field(default_factory=set)


def series(session: Session, random: Random, name: str) -> Sequence:
    """A series of ten steps in an order of its own, two of them taken out, and people at seven places of it."""
    made = Sequence(slug=name, name=name, created_at=NOON)
    session.add(made)
    for number in range(10):
        article = write(session, NOON, title=f"{name} {number}", subject="Golf", body="Turn.")
        made.append(article, Delay(amount=1, unit=Unit.DAYS))
    for step, position in zip(made.steps, random.sample(range(1, 11), 10), strict=True):
        step.position = position
    for step in random.sample(made.steps, 2):
        step.remove(NOON)
    session.flush()
    ids = [step.id for step in made.steps]
    for _ in range(7):
        had, skipped = random.sample(ids, random.randrange(8)), random.sample(ids, random.randrange(3))
        made.places.append(Place(had=sorted(had), skipped=sorted(skipped)))
    session.flush()
    return made


def go(session: Session, random: Random, id: int, every: list[Sequence]) -> Ways:
    """Let a person go some way in each series; at most one is active."""
    ways = Ways()
    for one in every:
        way = random.choice(WAYS)
        if "active" in way and one is not every[0]:
            way = ("waiting",)
        for status in map(EnrollmentStatus, way):
            place = random.choice((None, *one.places))
            session.add(Enrollment(subscriber_id=id, sequence=one, status=status, started_at=NOON, anchor_at=NOON,
                                   pauses=timedelta(), place=place))  # fmt: skip
            is_live = status in ("waiting", "active")
            ways.stages[one.id] = Stage.IN if is_live else Stage(status.value)
            ways.next |= {step.id for step in one.ahead(place)[:1]} if is_live else set()
        ways.stages.setdefault(one.id, Stage.NEVER)
    return ways
