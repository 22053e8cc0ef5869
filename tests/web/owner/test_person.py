"""One person's name and tags, the confirmation once more, and what tags are for."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter import journey
from newsletter.campaigns import Campaign
from newsletter.clock import FixedClock
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.subscribers import Segment, Stream, Subscriber, SubscriberTag, Tag, read_address, retag, tags_of
from tests.conftest import NOON, InlineTrigger
from tests.web.owner.conftest import Desk

People = Callable[..., int]
JANE = "jane@example.com"
HOSTILE = (
    "<script>alert(1)</script>",
    "{{7*7}}",
    "=?utf-8?q?x?=",
    "'; DROP TABLE tags; --",
    "a" * 10_000,
    "a,b",
    "ü\u202e",
)


@pytest.fixture
def pending(runtime: Runtime, trigger: InlineTrigger) -> int:
    """Jane has signed up, and her mail went out."""
    form = journey.SignUp(read_address(JANE), "exercise-at-50", False, "Yes.", "Jane", "/", "box", None)
    with runtime.database.transaction() as session:
        journey.subscribe(session, runtime, form, runtime.clock.now())
    trigger.wake()
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber.id)).one()


def test_name_and_tags_are_saved_and_the_page_shows_them(desk: Desk, person: People) -> None:
    jane = person(JANE, "Jan")
    assert "Saved." in desk.told(
        f"/owner/subscribers/{jane}/edit", first_name="Jane", tags="runner\n\n patient \nrunner"
    )
    page = desk.read(f"/owner/subscribers/{jane}")
    assert "Jane" in page
    assert "Tags: patient runner" in page
    form = desk.get(f"/owner/subscribers/{jane}/edit")
    assert "patient\nrunner</textarea>" in form
    desk.post(f"/owner/subscribers/{jane}/edit", first_name="", tags="patient")
    assert "Tags: patient" in (page := desk.read(f"/owner/subscribers/{jane}"))
    assert "runner" not in page
    assert "Jane" not in page.replace(JANE, "")


def test_editing_changes_nothing_of_what_somebody_receives(desk: Desk, person: People, runtime: Runtime) -> None:
    jane = person(JANE, newsletter=False)
    desk.post(f"/owner/subscribers/{jane}/edit", first_name="Jane", tags="x", newsletter="y", status="pending")
    with runtime.database.reading() as session:
        found = session.get_one(Subscriber, jane)
        assert (found.newsletter, found.status.value) == (False, "confirmed")
        assert session.scalars(select(Message)).all() == []


@pytest.mark.parametrize("tag", HOSTILE)
def test_hostile_tags_are_words_like_others(tag: str, desk: Desk, person: People, runtime: Runtime) -> None:
    jane = person(JANE)
    desk.post(f"/owner/subscribers/{jane}/edit", tags=tag)
    with runtime.database.reading() as session:
        (kept,) = tags_of(session, jane)
    assert len(kept) <= 80
    assert "<script>alert" not in desk.get(f"/owner/subscribers/{jane}")
    answer = desk.client.get("/owner/subscribers", query_string={"tag": kept})
    assert JANE in answer.text
    assert "<script>alert" not in answer.text
    assert desk.client.get("/owner/campaigns/new").status_code == 200


def test_too_many_tags_are_told_and_stay_typed(desk: Desk, person: People) -> None:
    jane = person(JANE)
    answer = desk.post(f"/owner/subscribers/{jane}/edit", first_name="Jane", tags="\n".join(map(str, range(101))))
    assert answer.status_code == 422
    assert "These are 101 tags; a person can have 100." in answer.text
    assert "\n100</textarea>" in answer.text


def test_the_list_is_filtered_by_tag_and_status_together(desk: Desk, person: People, runtime: Runtime) -> None:
    jane, joe = person(JANE), person("joe@example.com", confirmed=False)
    person("ann@example.com")
    with runtime.database.transaction() as session:
        retag(session, jane, ["runner"])
        retag(session, joe, ["runner"])
    page = desk.read("/owner/subscribers?tag=runner")
    assert JANE in page
    assert "joe@" in page
    assert "ann@" not in page
    assert "runner 2" in page
    assert "joe@" not in desk.read("/owner/subscribers?tag=runner&status=confirmed")
    assert "Nobody found" in desk.read("/owner/subscribers?tag=swimmer")


def test_a_campaign_goes_to_those_who_have_a_tag(desk: Desk, person: People, runtime: Runtime, article: int) -> None:
    jane, joe, ann = person(JANE), person("joe@example.com", newsletter=False), person("ann@example.com")
    with runtime.database.transaction() as session:
        for one in (jane, joe):
            retag(session, one, ["runner"])
        retag(session, ann, ["swimmer"])
    assert "1 person: with the tag “runner”" in desk.read("/owner/campaigns/new")
    page = desk.post("/owner/campaigns/new", article=article, audience="tag:runner").text
    assert "people who take the newsletter and have the tag “runner”" in page
    assert desk.post("/owner/campaigns/new", article=article, audience="tag:nobody").status_code == 422
    with runtime.database.transaction() as session:
        campaign = session.scalars(select(Campaign)).first()
        assert campaign is not None
    with runtime.database.reading() as session:
        (made,) = session.scalars(select(Campaign).where(Campaign.segment_tag == "runner"))
        assert made.audience(NOON) == Segment(tag="runner")
        assert session.scalars(select(Subscriber.id).where(made.audience(NOON).condition())).all() == [jane]


def test_a_tag_that_is_gone_is_an_audience_of_nobody(runtime: Runtime, person: People) -> None:
    jane = person(JANE)
    with runtime.database.transaction() as session:
        retag(session, jane, ["runner"])
        retag(session, jane, [])
        assert Segment(tag="runner").size(session) == 0
        assert session.scalars(select(SubscriberTag)).all() == []
        assert session.scalars(select(Tag.name)).all() == ["runner"]


def test_the_confirmation_is_sent_once_more(
    desk: Desk, pending: int, clock: FixedClock, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    clock.forward(timedelta(hours=1))
    assert "on its way once more" in desk.told(f"/owner/subscribers/{pending}/ask-again")
    desk.post(f"/owner/subscribers/{pending}/ask-again")  # a double click
    first, second = inbox(JANE)
    assert first["subject"] == second["subject"]


def test_it_counts_against_what_a_mailbox_may_get(
    desk: Desk, pending: int, clock: FixedClock, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    for _ in range(3):
        clock.forward(timedelta(minutes=10))
        told = desk.told(f"/owner/subscribers/{pending}/ask-again")
    assert "as many mails because of our forms as it may" in told
    assert len(inbox(JANE)) == 3


def test_who_has_confirmed_or_asked_for_nothing_gets_none(desk: Desk, person: People, runtime: Runtime) -> None:
    for one in (person(JANE), person("list@example.com", confirmed=False)):
        assert "no sign-up of this person" in desk.told(f"/owner/subscribers/{one}/ask-again")
    with runtime.database.reading() as session:
        assert session.scalars(select(Message).where(Message.stream == Stream.CONFIRM)).all() == []
