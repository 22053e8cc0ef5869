"""A list of people, two articles, and a test of two subjects that goes out when the beat turns."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from newsletter import articles, brand, campaigns, jobs, journey
from newsletter.articles import Article
from newsletter.campaigns import ABTest, Campaign, CampaignState, Compares, IfClose, Judge, Part, Wish, ab_test_of
from newsletter.clicks import Click, Link
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Lane, Message
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Status, Subscriber
from tests.campaigns.week import Week
from tests.clicking import BODY, count_clicks
from tests.conftest import NOON

WISH = Wish(
    compares=Compares.SUBJECT, subject="The other", share=40, hours=4, judge=Judge.CLICKS, if_close=IfClose.WAIT
)
LOT = 20_260_601
"""Always the same, so that a test is not one thing today and another tomorrow."""
A_WHILE = timedelta(minutes=5)


def people(runtime: Runtime, count: int, first: int = 1_001) -> None:
    """So many readers."""
    known = {"status": Status.CONFIRMED, "newsletter": True, "created_at": NOON, "confirmed_at": NOON, "first_name": ""}
    named = [f"p{id}@example.com" for id in range(first, first + count)]
    with runtime.database.transaction() as session:
        rows = [known | {"id": first + n, "email": one, "email_key": one} for n, one in enumerate(named)]
        session.execute(insert(Subscriber), rows)


@dataclass
class Stage:
    """A test and what happens to it."""

    runtime: Runtime
    clock: FixedClock
    sent: SentList
    a: int

    def beat(self) -> None:
        """One tick of everything: decide, launch, write recipients, deliver, finish."""
        jobs.launch_campaigns(self.runtime, lambda: False, lambda: None)
        while self.runtime.delivery.run(Lane.BULK):
            pass
        jobs.launch_campaigns(self.runtime, lambda: False, lambda: None)

    def draw(self) -> None:
        """Who is drawn for A and for B is the same in every run, whoever made the test."""
        with self.runtime.database.transaction() as session:
            session.execute(update(ABTest).values(lot=LOT))
            session.execute(update(Campaign).where(Campaign.part.is_not(None)).values(lot=LOT))

    def schedule(self) -> None:
        """Now."""
        with self.runtime.database.transaction() as session:
            a = session.get_one(Campaign, self.a)
            campaigns.together.schedule(session, a, self.clock.now(), brand.current(session))

    def go(self) -> None:
        """Both go out, and their time begins to count."""
        self.schedule()
        self.beat()

    def end(self) -> None:
        """The time is over."""
        self.clock.forward(timedelta(hours=4))
        self.beat()

    def test(self) -> ABTest:
        """As it stands, to be looked at."""
        with self.runtime.database.reading() as session:
            test = ab_test_of(session, session.get_one(Campaign, self.a))
            assert test is not None
            _ = [(one.article.title, one.state) for one in test.parts]
            return test

    def choose(self, part: Part, at: timedelta = timedelta(0)) -> int:
        """The owner's press; the rest's number."""
        with self.runtime.database.transaction() as session:
            test = ab_test_of(session, session.get_one(Campaign, self.a), lock=True)
            assert test is not None
            now = self.clock.now()
            return campaigns.choose(session, test, part, now, now + at).id

    def got(self, campaign: int | None) -> set[int]:
        """Who was sent a campaign."""
        with self.runtime.database.reading() as session:
            dispatch = session.get_one(Campaign, campaign or 0).dispatch_id
            rows = session.scalars(select(Message.subscriber_id).where(Message.dispatch_id == dispatch))
            return {id for id in rows if id}

    def click(self, campaign: int, count: int, after: timedelta = A_WHILE) -> None:
        """So many of a campaign's readers follow a link, that long after they got it."""
        with self.runtime.database.transaction() as session:
            link = session.scalars(select(Link)).first() or Link(url="https://one.example/")
            session.add(link)
            session.flush()
            dispatch = session.get_one(Campaign, campaign).dispatch_id
            look = select(Message).where(Message.dispatch_id == dispatch).order_by(Message.id).limit(count)
            for one in session.scalars(look).all():
                assert one.settled_at is not None
                session.add(Click(
                    subscriber_id=one.subscriber_id, message_id=one.id, dispatch_id=dispatch, link_id=link.id,
                    revision_id=one.revision_id, person_at=one.settled_at + after, machine_at=None,
                ))  # fmt: skip


@pytest.fixture
def stage(runtime: Runtime, clock: FixedClock, sent: SentList) -> Callable[..., Stage]:
    """Makes a list and a draft test: stage(people=200, judge=Judge.HAND)."""

    def make(count: int = 200, other: dict[str, str] | None = None, counting: bool = True, **wish: object) -> Stage:
        people(runtime, count)
        count_clicks(runtime, counting)
        now = clock.now()
        with runtime.database.transaction() as session:
            article = articles.write(session, now, title="Golf", subject="Golf", body=BODY)
            another = articles.write(session, now, **other) if other else None
            a = Campaign(article=article, created_at=now)
            session.add(a)
            asked = replace(WISH, article=another, **wish)
            campaigns.make_ab_test(session, a, asked, brand.current(session), now)
            session.flush()
            made = Stage(runtime, clock, sent, a.id)
        made.draw()
        return made

    return make


def article_of(runtime: Runtime, campaign: int) -> Article:
    """A campaign's article, with its words."""
    with runtime.database.reading() as session:
        found = session.get_one(Campaign, campaign).article
        _ = found.current
        return found


def state_of(runtime: Runtime, campaign: int | None) -> CampaignState:
    """Where a campaign stands."""
    with runtime.database.reading() as session:
        return session.get_one(Campaign, campaign or 0).state


@pytest.fixture
def week(runtime: Runtime, clock: FixedClock, sent: SentList) -> Week:
    """Monday noon; Jane has chosen, Bob has not."""
    people(runtime, 2)
    found = Week(runtime, clock, sent)
    assert found.jane(journey.take_digest)
    return found
