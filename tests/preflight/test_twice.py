"""Another campaign that is about to send the same article is told, with how many would get it twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import brand, campaigns, preflight
from newsletter.articles import Article, write
from newsletter.campaigns import Campaign, Judge, together
from newsletter.preflight import Check, Level
from newsletter.runtime import Runtime
from newsletter.subscribers import retag
from tests.campaigns.conftest import WISH
from tests.conftest import NOON

LATER = NOON + timedelta(days=1)


@pytest.fixture
def planned(runtime: Runtime, person: Callable[..., int]) -> Callable[..., int]:
    """Schedules an article for tomorrow, for people with a tag or for all; its id. Ann and Ben run, Carl does not."""
    people = [person(f"{name}@example.com") for name in ("ann", "ben", "carl")]
    with runtime.database.transaction() as session:
        for id in people[:2]:
            retag(session, id, ["runners"])
        retag(session, people[2], ["swimmers"])

    def made(tag: str | None = None) -> int:
        with runtime.database.transaction() as session:
            article = write(session, NOON, title="On walking", subject="On walking", body="Walk more.")
            one = Campaign(article=article, segment_tag=tag, created_at=NOON)
            session.add(one)
            together.schedule(session, one, LATER, brand.current(session))
            session.flush()
            return article.id

    return made


def _twice(runtime: Runtime, article: int, tag: str | None = None) -> list[Check]:
    with runtime.database.transaction() as session:
        draft = Campaign(article=session.get_one(Article, article), segment_tag=tag, created_at=NOON)
        session.add(draft)
        session.flush()
        report = preflight.check_campaign(session, runtime.renderer, brand.current(session), draft, NOON)
        session.delete(draft)
    return [one for one in report.checks if one.name == "Sent twice"]


def test_it_waits_for_a_yes_and_leads_to_the_other(planned: Callable[..., int], runtime: Runtime) -> None:
    found = _twice(runtime, planned("runners"))
    assert [(one.level, one.other.scheduled_at if one.other else None) for one in found] == [(Level.WARNING, LATER)]
    assert "2 people of this audience would get it twice" in found[0].found


def test_another_audience_and_another_article_are_no_repeat(planned: Callable[..., int], runtime: Runtime) -> None:
    article, other = planned("runners"), planned("swimmers")
    assert _twice(runtime, article, "swimmers") == []
    assert len(_twice(runtime, other, "swimmers")) == 1
    with runtime.database.transaction() as session:
        first = session.scalars(select(Campaign).where(Campaign.article_id == article)).one()
        together.unschedule(session, first)
    assert _twice(runtime, article) == [], "a draft sends nothing"


def test_one_that_is_going_out_counts(planned: Callable[..., int], runtime: Runtime) -> None:
    article = planned()
    with runtime.database.transaction() as session:
        assert campaigns.launch_due(session, LATER)
    assert "3 people" in _twice(runtime, article)[0].found


def test_the_halves_of_a_test_are_one_mailing(planned: Callable[..., int], runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        article = write(session, NOON, title="t", subject="On sleep", body="[Sleep](https://example.com/) more.")
        a = Campaign(article=article, created_at=NOON)
        session.add(a)
        campaigns.make_ab_test(session, a, replace(WISH, judge=Judge.HAND), brand.current(session), NOON)
        together.schedule(session, a, LATER, brand.current(session))
        session.flush()
        report = preflight.check_campaign(session, runtime.renderer, brand.current(session), a, NOON)
    assert "Sent twice" not in {one.name for one in report.checks}
