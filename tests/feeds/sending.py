"""Paula, her blog, and what becomes of its posts where they go out by themselves."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter import accounts, jobs, topics
from newsletter.accounts import Owner
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.feeds import Feed, FeedPost, Mailing, Makes, Sending
from newsletter.runtime import Runtime
from newsletter.subscribers import Subscriber, TopicChoice, retag, segments, set_topics
from newsletter.subscribers.segments import SavedSegment
from newsletter.subscribers.segments.rules import HasTag, Rules
from newsletter.topics import Topic
from tests.conftest import InlineTrigger
from tests.feeds.blog import Blog, add_feed, blogging

PAULA = "paula@example.org"
WEEK = timedelta(days=7)
Inbox = Callable[[str], list[EmailMessage]]


@pytest.fixture
def blog(runtime: Runtime) -> Iterator[Blog]:
    """Paula's blog, with two old posts."""
    with runtime.database.transaction() as session:
        accounts.create(session, PAULA, "a long enough password", runtime.clock.now())
    with blogging("one", "two") as made:
        yield made


def send_to(
    runtime: Runtime, id: int, sending: Sending = Sending.EVERYBODY, segment: str = "", topic: str = ""
) -> None:
    with runtime.database.transaction() as session:
        named = session.scalar(select(SavedSegment).where(SavedSegment.name == segment))
        about = session.scalar(select(Topic).where(Topic.slug == topic))
        paula = session.scalars(select(Owner).where(Owner.email == PAULA)).one()
        session.get_one(Feed, id).send_to(sending, named, about, paula, runtime.clock.now())


def sending_feed(runtime: Runtime, blog: Blog, makes: Makes = Makes.ARTICLES) -> int:
    """A feed whose new posts go to everybody, and which has been read once."""
    id = add_feed(runtime, blog.url, makes=makes)
    send_to(runtime, id)
    look(runtime)
    return id


def look(runtime: Runtime) -> None:
    runtime.look_at_feeds(lambda: False)


def later(runtime: Runtime, clock: FixedClock, by: timedelta = WEEK) -> None:
    clock.forward(by)
    look(runtime)


def made(runtime: Runtime) -> list[tuple[str, CampaignState]]:
    """Every campaign but the one that the example begins with."""
    with runtime.database.reading() as session:
        rows = session.scalars(select(Campaign).where(Campaign.id > 1).order_by(Campaign.id))
        return [(one.article.title, one.stored_state) for one in rows]


def scheduled(*titles: str) -> list[tuple[str, CampaignState]]:
    return [(one, CampaignState.SCHEDULED) for one in titles]


def mailings(runtime: Runtime) -> list[tuple[str, Mailing | None]]:
    with runtime.database.reading() as session:
        return [(one.title, one.mailing) for one in session.scalars(select(FeedPost).order_by(FeedPost.id))]


def launched(runtime: Runtime, trigger: InlineTrigger) -> None:
    """Let the beat send what is scheduled."""
    for _ in range(4):
        jobs.launch_campaigns(runtime, lambda: False, trigger.wake)
    trigger.wake()


def held(inbox: Inbox, trigger: InlineTrigger, email: str = PAULA) -> list[str]:
    """What notices say of posts that were not sent."""
    trigger.wake()
    told = []
    for one in inbox(email):
        body = one.get_body(("plain",))
        if "not sent by itself" in str(one["Subject"]) and body is not None:
            told.append(" ".join(body.get_content().split()))
    return told


@pytest.fixture
def runners(runtime: Runtime, person: Callable[..., int]) -> dict[str, int]:
    """A segment of runners; three people, of whom one runs, one takes the topic, and one does both."""
    made = {name: person(f"{name}@example.com") for name in ("runs", "trains", "both")}
    with runtime.database.transaction() as session:
        segments.save(session, "Runners", Rules(HasTag("runners")), runtime.clock.now())
        training, other = topics.open_ones(session)[1], topics.open_ones(session)[0]
        for name, id in made.items():
            subscriber = session.get_one(Subscriber, id)
            retag(session, id, [] if name == "trains" else ["runners"])
            about = other if name == "runs" else training
            set_topics(session, subscriber, TopicChoice.of([about.id]))
    return made
