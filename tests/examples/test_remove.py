"""Taking the examples away: what is deleted, what is only hidden, what stays, and nobody in a race loses anything."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsletter import examples, seeds, sequences
from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign
from newsletter.db import names_what_is_gone
from newsletter.examples import Example, Kind, Stays
from newsletter.forms import Form
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence, Step
from newsletter.settings import ROOT
from newsletter.subscribers import Subscriber
from newsletter.topics import open_ones
from tests.conftest import NOON
from tests.examples.conftest import Standing

WAITS = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1")


def _remove(runtime: Runtime, *, guides: bool = False, seen: str | None = None) -> list[Example] | None:
    with runtime.database.transaction() as session:
        return examples.remove(session, runtime.guides, NOON, guides=guides, seen=seen)


def _waits(runtime: Runtime) -> bool:
    """Whether a transaction waits for another's lock: seen from outside, for in one of its own a view stands still."""
    with runtime.database.reading() as session:
        return session.scalar(WAITS) is not None


def _counts(session: Session) -> list[int | None]:
    return [session.scalar(select(func.count()).select_from(kind)) for kind in (Article, Revision, Campaign, Step)]


@pytest.mark.both_databases
def test_nothing_of_them_is_left_and_a_restart_brings_nothing_back(runtime: Runtime) -> None:
    gone = _remove(runtime, guides=True)
    assert gone is not None and len(gone) == 26
    with runtime.database.transaction() as session:
        assert not seeds.plant(session, ROOT, NOON)
        assert _counts(session) == [0, 0, 0, 0] and open_ones(session) == []
        assert set(session.scalars(select(Sequence.live))) == {False}
        assert set(session.scalars(select(Guide.hidden))) == {True}
        assert [form.slug for form in session.scalars(select(Form)) if form.is_open] == ["footer"]
        assert not examples.are_there(session)
        assert {one.kind for one in examples.listed(session, runtime.guides)} == set()
    assert _remove(runtime, guides=True) == []


def test_the_guides_stay_unless_it_is_said(runtime: Runtime) -> None:
    gone = _remove(runtime)
    assert gone is not None and Kind.GUIDE not in {one.kind for one in gone}
    with runtime.database.reading() as session:
        assert set(session.scalars(select(Guide.hidden))) == {False}
        assert [form.slug for form in session.scalars(select(Form)) if not form.is_open] == []
        assert examples.are_there(session)


def test_what_stays_keeps_all_that_it_needs(
    runtime: Runtime, standing: Callable[[], Standing], person: Callable[..., int]
) -> None:
    jane = person("jane@example.com")
    with runtime.database.transaction() as session:
        first = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert first is not None
        sequences.enroll(session, session.get_one(Subscriber, jane), first, "Europe/London", NOON)
    gone = _remove(runtime, guides=True)
    assert gone is not None and len(gone) == 26 - 1 - 8 - 1, "the series, its articles and their topic stay"
    with runtime.database.reading() as session:
        enrollment = session.scalars(select(Enrollment)).one()
        assert len(enrollment.ahead) == 8 and enrollment.sequence.live
        assert all(step.article.current.body for step in enrollment.ahead)
    left = standing()
    assert left.pop((Kind.TOPIC, "Rehabilitation")) is Stays.USED
    assert sorted(left.values()) == [*[Stays.IN_SERIES] * 8, Stays.STARTED]


def test_what_was_not_seen_is_not_taken(runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        seen = examples.going(examples.listed(session, runtime.guides))
    with runtime.database.transaction() as session:
        article = session.scalars(select(Article)).first()
        assert article is not None
        article.revise(NOON, subject="Mine", preheader="", body="Mine.")
        before = _counts(session)
    assert _remove(runtime, seen=seen) is None
    with runtime.database.reading() as session:
        assert _counts(session) == before


@pytest.mark.both_databases
def test_who_comes_into_a_series_in_that_moment_keeps_it(
    runtime: Runtime, person: Callable[..., int], standing: Callable[[], Standing]
) -> None:
    """Taking away waits for whoever has begun to use one of them, and then sees them."""
    jane, gone = person("jane@example.com"), list[list[Example] | None]()
    thread = threading.Thread(target=lambda: gone.append(_remove(runtime)))
    with runtime.database.transaction() as session:
        series = session.scalars(select(Sequence).order_by(Sequence.id)).first()
        assert series is not None
        sequences.enroll(session, session.get_one(Subscriber, jane), series, "Europe/London", NOON)
        session.flush()
        thread.start()
        while not runtime.database.is_sqlite and not _waits(runtime):
            assert gone == [], "it did not wait"
    thread.join()
    assert gone[0] is not None and Kind.SERIES in {one.kind for one in gone[0]}, "the other series goes"
    with runtime.database.reading() as session:
        enrollment = session.scalars(select(Enrollment)).one()
        assert enrollment.sequence.live and len(enrollment.ahead) == 8
    assert Stays.STARTED in standing().values()


@pytest.mark.real
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_campaign_that_is_drafted_in_that_moment_finds_its_article_gone(runtime: Runtime) -> None:
    """Its foreign key says so, and the page is made again (`web.Site`). SQLite has one writer at a time."""
    with runtime.database.transaction() as other:
        article = other.scalars(select(Article).order_by(Article.id)).first()
        assert article is not None
        _remove(runtime)
        other.add(Campaign(article_id=article.id, created_at=NOON))
        with pytest.raises(IntegrityError) as told, other.begin_nested():
            other.flush()
        assert names_what_is_gone(told.value)
