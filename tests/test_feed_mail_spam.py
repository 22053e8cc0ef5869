"""A feed's mail is asked about spam points before it goes by itself, where SPAMD is set."""

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from newsletter import brand
from newsletter.campaigns import Campaign, CampaignState
from newsletter.clock import FixedClock
from newsletter.feeds import Mailing
from newsletter.preflight import spam
from newsletter.preflight.spam import Scores
from newsletter.runtime import Runtime
from tests.conftest import InlineTrigger
from tests.feeds.blog import Blog
from tests.feeds.sending import Inbox, blog, held, later, made, mailings, scheduled, sending_feed
from tests.spamd_server import SpamdServer, answered, spamd

__all__ = ["blog"]


@pytest.fixture
def server() -> Iterator[SpamdServer]:
    with spamd() as one:
        yield one


@pytest.fixture
def worker(runtime: Runtime, server: SpamdServer) -> Runtime:
    """What looks at feeds, and knows where SpamAssassin is."""
    return replace(runtime, settings=runtime.settings.model_copy(update={"spamd": server.place}))


def _shown(runtime: Runtime) -> list[float]:
    """The points on the page of the newest campaign, if they are those of its mail as it stands."""
    with runtime.database.reading() as session:
        one = session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()
        assert one is not None
        row = spam.score_of(session, Scores.CAMPAIGN, one.id)
        mails = spam.mails_of_campaign(session, runtime.renderer, one)
        of_these = spam.fingerprint_of(runtime.renderer, brand.current(session), mails)
        return [mail["points"] for mail in row.found["mails"]] if row and row.fingerprint == of_these else []


def test_below_the_warning_it_goes_and_its_page_shows_the_points(
    worker: Runtime, blog: Blog, clock: FixedClock, server: SpamdServer
) -> None:
    sending_feed(worker, blog)
    blog.posts("one", "two", "three")
    later(worker, clock)
    assert made(worker) == scheduled("three") and _shown(worker) == [1.7]
    assert len(server.mails) == 1 and b"Subject: three" in server.mails[0]


@pytest.mark.parametrize("points", ["3.0", "5.2"])
def test_what_wants_a_person_on_its_page_is_held_and_told(
    points: str, worker: Runtime, blog: Blog, clock: FixedClock, server: SpamdServer, inbox: Inbox,
    trigger: InlineTrigger,
) -> None:  # fmt: skip
    server.answer = answered(points)
    sending_feed(worker, blog)
    blog.posts("one", "two", "three")
    later(worker, clock)
    assert made(worker) == [("three", CampaignState.DRAFT)] and dict(mailings(worker))["three"] is Mailing.HELD
    (told,) = held(inbox, trigger)
    assert f"SpamAssassin gives it {points} points" in told and "Nobody got it." in told
    assert _shown(worker) == [float(points)]


def test_where_spamassassin_is_away_nothing_is_held_up(
    worker: Runtime, blog: Blog, clock: FixedClock, server: SpamdServer
) -> None:
    def silent(link: socket.socket) -> None:
        link.recv(1)

    server.serve = silent
    sending_feed(worker, blog)
    blog.posts("one", "two", "three")
    later(worker, clock)
    assert made(worker) == scheduled("three") and _shown(worker) == []


def test_a_post_that_another_worker_took_meanwhile_is_not_sent_unasked(
    worker: Runtime, runtime: Runtime, blog: Blog, clock: FixedClock, server: SpamdServer
) -> None:
    other, seen = runtime, []

    def slow(link: socket.socket) -> None:
        """While SpamAssassin thinks, another worker sends the first post."""
        link.recv(100_000)
        if not seen:
            seen.append(1)
            turns = iter([False, True])
            from_outside = replace(other, settings=other.settings)
            from_outside.look_at_feeds(lambda: next(turns, True))
        link.sendall(server.answer)

    sending_feed(worker, blog)
    server.serve = slow
    blog.posts("one", "two", "three", "four")
    later(worker, clock)
    assert made(worker) == scheduled("three", "four"), "each once"
