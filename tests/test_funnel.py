"""From a form that was seen to a reader who stays: each is counted at the last step that they reached."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from newsletter import forms, funnel, sequences
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.forms import Form, count_views
from newsletter.funnel import Funnel
from newsletter.guides import Guide, GuideRequest
from newsletter.mail.ledger import Lane
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Basis, Consent, Subscriber
from newsletter.wordings import wording_id
from tests.conftest import NOON

PAIN = "recover-from-pain"
SIDEBAR, POST = "https://blog.example/", "https://blog.example/post"


@pytest.fixture
def form(database: Database) -> int:
    """The sidebar's."""
    with database.reading() as session:
        return forms.named(session, PAIN).id  # type: ignore[union-attr]


@pytest.fixture
def asks(database: Database, form: int, person: Callable[..., int]) -> Callable[..., int]:
    """Somebody signs up by the form on a page, and goes so far; their number."""

    def made(email: str, page: str = SIDEBAR, upto: str = "submitted", days_ago: int = 0) -> int:
        at = NOON - timedelta(days=days_ago)
        id = person(email, confirmed=upto != "submitted")
        with database.transaction() as session:
            consent = Consent(
                subscriber_id=id,
                guide=PAIN,
                wording_id=wording_id(session, "Yes."),
                page=page,
                form=PAIN,
                form_id=form,
                given_at=at,
            )
            session.add(consent)
            if upto != "submitted":
                consent.confirm(at, Basis.MAIL)
            guide = session.query(Guide).filter_by(slug=PAIN).one()
            session.add(GuideRequest(subscriber_id=id, guide_id=guide.id, requested_at=at,
                                     fetched_at=at if upto == "fetched" else None))  # fmt: skip
        return id

    return made


def _all(database: Database, days: int | None = None) -> dict[str, Funnel]:
    with database.reading() as session:
        since = NOON - timedelta(days=days) if days is not None else None
        return {form.slug: one for form, one in funnel.of_forms(session, since)}


def test_everybody_is_counted_as_far_as_they_came(database: Database, form: int, asks: Callable[..., int]) -> None:
    with database.transaction() as session:
        count_views(session, {(form, SIDEBAR): 40, (form, POST): 2}, NOON.date())
    asks("a@example.com")
    asks("b@example.com", upto="confirmed")
    asks("c@example.com", POST, upto="fetched")
    asks("c@example.com", POST, upto="fetched")  # a second time: the same person
    assert _all(database)[PAIN] == Funnel(seen=42, submitted=3, confirmed=2, fetched=1)
    assert _all(database)["footer"] == Funnel()
    with database.reading() as session:
        assert funnel.of_pages(session, session.get_one(Form, form), None) == [
            (SIDEBAR, Funnel(seen=40, submitted=2, confirmed=1)),
            (POST, Funnel(seen=2, submitted=1, confirmed=1, fetched=1)),
        ]


def test_what_was_before_the_time_that_is_looked_at_counts_no_more(
    database: Database, form: int, asks: Callable[..., int]
) -> None:
    asks("old@example.com", upto="fetched", days_ago=40)
    asks("new@example.com", upto="confirmed", days_ago=3)
    with database.transaction() as session:
        count_views(session, {(form, SIDEBAR): 7}, (NOON - timedelta(days=40)).date())
        count_views(session, {(form, SIDEBAR): 5}, (NOON - timedelta(days=3)).date())
    assert _all(database, 30)[PAIN] == Funnel(seen=5, submitted=1, confirmed=1)
    assert _all(database)[PAIN] == Funnel(seen=12, submitted=2, confirmed=2, fetched=1)


def test_a_guide_fetched_for_an_earlier_request_is_no_fruit_of_this_form(
    database: Database, asks: Callable[..., int]
) -> None:
    asks("jane@example.com", upto="fetched", days_ago=40)
    asks("jane@example.com", upto="confirmed")
    assert _all(database, 30)[PAIN] == Funnel(submitted=1, confirmed=1)


@pytest.fixture
def weeks(runtime: Runtime, clock: FixedClock) -> Callable[[int], None]:
    """Lets days pass in which the series sends."""

    def passed(days: int) -> None:
        for _ in range(days):
            clock.forward(timedelta(days=1))
            with runtime.database.transaction() as session:
                sequences.advance_due(session, clock.now(), "Europe/London")
            while runtime.delivery.run(Lane.BULK):
                pass

    return passed


def test_who_gets_the_third_mail_has_read_on(
    runtime: Runtime, asks: Callable[..., int], weeks: Callable[[int], None]
) -> None:
    stays, goes = asks("jane@example.com", upto="fetched"), asks("joe@example.com", upto="fetched")
    with runtime.database.transaction() as session:
        series = session.query(Sequence).filter_by(slug=PAIN).one()
        for id in (stays, goes):
            sequences.enroll(session, session.get_one(Subscriber, id), series, "Europe/London", NOON)
    weeks(8)
    assert _all(runtime.database)[PAIN].stayed == 0, "two mails so far"
    with runtime.database.transaction() as session:
        session.get_one(Subscriber, goes).unsubscribe(runtime.clock.now())
    weeks(5)
    assert _all(runtime.database)[PAIN] == Funnel(submitted=2, confirmed=2, fetched=2, stayed=1)
