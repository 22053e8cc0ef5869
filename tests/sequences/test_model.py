"""Whatever the owner does to a series meanwhile: nobody gets an article twice, and nobody loses one.

A simple model of it, with sets and lists, is asked beside the real thing.
"""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select

from newsletter import articles, sequences
from newsletter.articles import Article
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.mail.ledger import Message
from newsletter.sequences import Delay, Enrollment, EnrollmentStatus, Sequence
from newsletter.subscribers import Subscriber, read_address, register
from tests.conftest import NOON, _sqlalchemy_url
from tests.sequences.conftest import ZONE

LETTERS = "ABCDEFGH"
DAY = Delay.parse("1 day")
ACTS = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 7), st.integers(0, 8)),
    st.tuples(st.just("move"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("remove"), st.integers(0, 7), st.none()),
    st.tuples(st.just("join"), st.none(), st.none()),
    st.tuples(st.just("off"), st.integers(0, 30), st.none()),
    st.tuples(st.just("days"), st.integers(1, 4), st.none()),
)


@dataclass
class Reader:
    """Who was sent what, in order, and what was published behind them."""

    got: list[str] = field(default_factory=list)
    behind: set[str] = field(default_factory=set)
    done: bool = False


@dataclass
class Model:
    """The series as plain lists. `shelf`: every article that was ever in it, where it stands or stood."""

    shelf: list[str]
    out: set[str] = field(default_factory=set)
    readers: list[Reader] = field(default_factory=list)

    @property
    def order(self) -> list[str]:
        return [one for one in self.shelf if one not in self.out]

    def to_come(self, reader: Reader) -> list[str]:
        return [one for one in self.order if one not in reader.got and one not in reader.behind]

    def publish(self, article: str, place: int) -> None:
        order = self.order
        if article in self.shelf:
            self.shelf.remove(article)
        self.shelf.insert(self.shelf.index(order[place]) if place < len(order) else len(self.shelf), article)
        self.out.discard(article)
        for reader in self.readers:
            reader.behind.discard(article)
            if article in reader.got:
                continue
            here = self.shelf.index(article)
            first = any(self.shelf.index(one) < here for one in self.to_come(reader) if one != article)
            if not first and any(self.shelf.index(one) > here for one in reader.got):
                reader.behind.add(article)

    def move(self, place: int, up: bool) -> None:
        other = place + (-1 if up else 1)
        if 0 <= other < len(self.order):
            one, two = self.order[place], self.order[other]
            i, j = self.shelf.index(one), self.shelf.index(two)
            self.shelf[i], self.shelf[j] = two, one

    def send_one_each(self) -> None:
        """A day goes by for everybody."""
        for reader in self.readers:
            if not reader.done and (coming := self.to_come(reader)):
                reader.got.append(coming[0])
            reader.done = reader.done or not self.to_come(reader)


@dataclass
class House:
    """The real thing."""

    database: Database
    sequence: int
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON))
    people: list[int] = field(default_factory=list)

    def edit(self, change: Callable[[Any, Sequence], object]) -> None:
        with self.database.transaction() as session:
            sequence = session.get_one(Sequence, self.sequence)
            sequence.lock(session)
            change(session, sequence)
            sequences.replan(session, sequence, ZONE, self.clock.now())

    def publish(self, letter: str, place: int) -> None:
        def change(session: Any, sequence: Sequence) -> None:
            order = sequence.current_steps
            article = session.scalars(select(Article).where(Article.title == letter)).one()
            sequence.publish(session, article, DAY, order[place] if place < len(order) else None)

        self.edit(change)

    def remove(self, place: int) -> None:
        def change(session: Any, sequence: Sequence) -> None:
            step = sequence.current_steps[place]
            sequences.keep_dates(session, sequence, step, ZONE, self.clock.now())
            step.remove(self.clock.now())

        self.edit(change)

    def join(self) -> None:
        with self.database.transaction() as session:
            address = read_address(f"p{len(self.people)}@example.com")
            reader = register(session, address, self.clock.now())
            reader.confirm(self.clock.now())
            session.flush()
            sequences.enroll(session, reader, session.get_one(Sequence, self.sequence), ZONE, self.clock.now())
            self.people.append(reader.id)

    def off_for(self, days: int) -> None:
        self.edit(lambda session, sequence: sequences.switch_off(session, sequence, self.clock.now()))
        for _ in range(3):
            self.clock.forward(timedelta(days=days / 3))
            self.tick()
        self.edit(lambda session, sequence: sequence.switch_on(self.clock.now()))

    def tick(self) -> None:
        """What beat does, with a relay that takes everything."""
        for _ in range(3):
            with self.database.transaction() as session:
                sequences.advance_due(session, self.clock.now(), ZONE)
            with self.database.transaction() as session:
                for one in session.scalars(select(Message).where(Message.due_at.is_not(None))):
                    one.state, one.due_at, one.settled_at = "sent", None, self.clock.now()

    def day(self) -> None:
        self.clock.forward(timedelta(days=1))
        self.tick()

    def got(self) -> list[list[str]]:
        with self.database.reading() as session:
            titles = session.execute(
                select(Message.subscriber_id, Message.revision_id).where(Message.subscriber_id.in_(self.people))
                .order_by(Message.id)
            ).all()  # fmt: skip
            names = dict(session.execute(select(articles.Revision.id, Article.title).join(Article)).all())
        return [[names[revision] for person, revision in titles if person == id] for id in self.people]


def _stage(database: Database) -> House:
    with database.transaction() as session:
        sequence = Sequence(slug="model", name="model", guide_slug=None, created_at=NOON)
        session.add(sequence)
        for letter in LETTERS:
            made = articles.write(session, NOON, title=letter, subject=letter, body="x")
            if letter in "ABC":
                sequence.append(made, DAY)
        session.flush()
        return House(database, sequence.id)


def _play(database: Database, acts: list[tuple[str, Any, Any]]) -> None:
    house, model = _stage(database), Model(list("ABC"))
    house.join()
    model.readers.append(Reader())
    for act, what, where in acts:
        if act == "publish" and LETTERS[what] not in model.order:
            house.publish(LETTERS[what], where)
            model.publish(LETTERS[what], where)
        elif act == "move" and what < len(model.order):
            house.edit(lambda _, sequence: sequence.move(sequence.current_steps[what], where))  # noqa: B023
            model.move(what, where)
        elif act == "remove" and what < len(model.order):
            house.remove(what)
            model.out.add(model.order[what])
        elif act == "join":
            house.join()
            model.readers.append(Reader())
        elif act == "off":
            house.off_for(what)
        elif act == "days":
            for _ in range(what):
                house.day()
                model.send_one_each()
        assert house.got() == [reader.got for reader in model.readers], act
    for _ in range(len(LETTERS) + 1):
        house.day()
        model.send_one_each()
    assert house.got() == [reader.got for reader in model.readers]
    with database.reading() as session:
        mine = select(Enrollment.status).where(Enrollment.subscriber_id.in_(select(Subscriber.id)))
        assert set(session.scalars(mine)) <= {EnrollmentStatus.FINISHED}


@contextmanager
def _copy(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Database]:
    """A database of its own for each series of acts."""
    if kind == "sqlite":
        file = folder / f"{uuid.uuid4().hex}.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        opened = Database(f"sqlite:///{file}")
        event.listen(opened.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
        yield opened
        opened.dispose()
        file.unlink()
        return
    url, name = request.getfixturevalue("postgres_server"), f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template_newsletter")
        opened = Database(_sqlalchemy_url(url, name))
        yield opened
        opened.dispose()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("kind", "examples"), [("sqlite", 24), pytest.param("postgresql", 6, marks=pytest.mark.real)]
)  # fmt: skip
def test_whatever_is_edited_everybody_gets_what_is_theirs_once(
    kind: str, examples: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    # Without shrinking: each example is a database, and a failing one is short enough to be read.
    only = (Phase.explicit, Phase.reuse, Phase.generate)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=only)
    @given(st.lists(ACTS, max_size=10))
    def check(acts: list[tuple[str, Any, Any]]) -> None:
        with _copy(request, kind, tmp_path) as database:
            _play(database, acts)

    check()
