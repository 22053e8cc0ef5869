"""Articles and campaigns as one list: where each stands, the newest first, and every one on exactly one page."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, insert, select

from newsletter import accounts, approval, articles, writing
from newsletter.articles import Article, Revision
from newsletter.campaigns import Campaign, CampaignState, Part
from newsletter.db import Database
from newsletter.runtime import Runtime
from newsletter.sequences import Delay, Place, Sequence, Step
from newsletter.topics import Topic
from newsletter.writing import Kind, Stage, Wanted
from tests.conftest import NOON

MANY, PAGE = 10_000, 50


@pytest.fixture(autouse=True)
def nothing_written(database: Database) -> None:
    """What came with the product is gone."""
    with database.transaction() as session:
        for kind in (Campaign, Place, Step, Sequence, Revision, Article, Topic):
            session.execute(delete(kind))


@pytest.fixture
def piece(database: Database) -> Callable[..., int]:
    """Writes an article so many hours after noon, and gives its id."""

    def written(title: str, hours: int = 0, topic: str = "") -> int:
        with database.transaction() as session:
            about = Topic(slug=topic, name=topic, position=1, created_at=NOON) if topic else None
            at = NOON + timedelta(hours=hours)
            return articles.write(session, at, title=title, subject="s", body="Hi.", topic=about).id

    return written


@pytest.fixture
def campaign(database: Database) -> Callable[..., int]:
    """A campaign with an article, in some state."""

    def made(article: int, state: CampaignState = CampaignState.DRAFT, **columns: object) -> int:
        with database.transaction() as session:
            one = Campaign(article=session.get_one(Article, article), created_at=NOON, stored_state=state, **columns)
            session.add(one)
            session.flush()
            return one.id

    return made


def _in_series(database: Database, *ids: int, live: bool = True) -> None:
    with database.transaction() as session:
        made = Sequence(slug="pain", name="Recover from pain", created_at=NOON, live=live)
        session.add(made)
        for id in ids:
            made.append(session.get_one(Article, id), Delay.parse("1 day"))


def _titles(database: Database, **wanted: object) -> list[str]:
    with database.reading() as session:
        return [one.article.title for one in writing.page(session, Wanted(**wanted), offset=0, limit=PAGE)]  # type: ignore[arg-type]


def _counts(database: Database, **wanted: object) -> dict[str, int]:
    with database.reading() as session:
        counted = writing.count(session, Wanted(**wanted)).items()  # type: ignore[arg-type]
        return {stage.value if stage else "all": number for stage, number in counted if number}


def test_each_stands_where_it_stands_and_the_counts_say_how_many(
    database: Database, runtime: Runtime, piece: Callable[..., int], campaign: Callable[..., int]
) -> None:
    piece("Fresh", 1)
    for hours, state in enumerate(CampaignState, 2):
        if state is not CampaignState.PAUSED:
            campaign(piece(state.value, hours), state)
    _in_series(database, piece("First", 20), piece("Second", 21))
    public, asked = piece("Public", 30), campaign(piece("Asked", 31))
    with database.transaction() as session:
        session.get_one(Article, public).publish(NOON)
        who = accounts.create(session, "wanda@example.org", "quite unlikely green teapots", NOON)
        approval.ask(session, session.get_one(Campaign, asked), who, "", NOON)
    assert _counts(database) == {
        "all": 10, "draft": 2, "waiting": 1, "scheduled": 1, "sending": 1, "sent": 1, "series": 2, "archive": 1,
        "cancelled": 1,
    }  # fmt: skip
    assert [_titles(database, stage=one) for one in Stage] == [
        ["draft", "Fresh"], ["Asked"], ["scheduled"], ["sending"], ["sent"], ["Second", "First"], ["Public"],
        ["cancelled"],
    ]  # fmt: skip


def test_a_campaign_stands_for_its_article_unless_a_series_or_the_archive_has_it_too(
    database: Database, piece: Callable[..., int], campaign: Callable[..., int]
) -> None:
    alone, step = piece("Alone"), piece("Step", 1)
    campaign(alone)
    campaign(step)
    _in_series(database, step)
    assert _titles(database) == ["Step", "Step", "Alone"]
    assert _titles(database, kind=Kind.ARTICLE) == ["Step", "Alone"]
    assert _titles(database, kind=Kind.CAMPAIGN) == ["Step", "Alone"]
    assert _counts(database, kind=Kind.ARTICLE) == {"all": 2, "series": 1}


def test_words_and_a_topic_narrow_the_list_and_its_counts(
    database: Database, piece: Callable[..., int], campaign: Callable[..., int]
) -> None:
    piece("On walking", topic="training")
    campaign(piece("Walking 100%"))
    with database.reading() as session:
        topic = session.scalars(select(Topic)).one().id
    assert (
        _titles(database, words="WALK") == ["On walking", "Walking 100%"] or len(_titles(database, words="WALK")) == 2
    )
    assert _titles(database, words="0%") == ["Walking 100%"] and _counts(database, words="0%") == {"all": 1, "draft": 1}
    assert _titles(database, topic=topic) == ["On walking"] and _counts(database, topic=topic)["all"] == 1


def test_a_step_has_the_number_that_it_has_among_those_there_are(database: Database, piece: Callable[..., int]) -> None:
    ids = [piece(one, hours) for hours, one in enumerate(("First", "Removed", "Third"))]
    _in_series(database, *ids, live=False)
    with database.transaction() as session:
        series = session.scalars(select(Sequence)).one()
        series.steps[1].remove(NOON)
    with database.reading() as session:
        rows = writing.page(session, Wanted(stage=Stage.SERIES), offset=0, limit=PAGE)
        found = [(row.article.title, one.number, one.series, one.live) for row in rows for one in row.steps]
    assert found == [("Third", 2, "Recover from pain", False), ("First", 1, "Recover from pain", False)]


def test_what_is_planned_stands_above_what_went_and_b_of_a_test_that_has_not_begun_on_the_page_of_a(
    database: Database, piece: Callable[..., int], campaign: Callable[..., int]
) -> None:
    article, hour = piece("News"), timedelta(hours=1)
    went = campaign(article, CampaignState.SENT, launched_at=NOON - hour)
    a = campaign(article, CampaignState.SCHEDULED, scheduled_at=NOON + hour, part=Part.A)
    campaign(article, CampaignState.SCHEDULED, scheduled_at=NOON + hour, part=Part.B)
    with database.reading() as session:
        rows = writing.page(session, Wanted(), offset=0, limit=PAGE)
        assert [one.campaign and one.campaign.id for one in rows] == [a, went]
        assert writing.count(session, Wanted())[None] == 2


def test_of_ten_thousand_articles_each_is_on_one_page_and_none_is_read_for_another(
    database: Database, piece: Callable[..., int], campaign: Callable[..., int]
) -> None:
    with database.transaction() as session:
        many = [
            {"slug": f"a{n}", "title": f"A {n}", "updated_at": NOON + timedelta(minutes=n // 3)} for n in range(MANY)
        ]
        session.execute(insert(Article).values(created_at=NOON), many)
    read: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *of: read.append(of[2]))
    with database.reading() as session:
        pages = writing.count(session, Wanted())[None] // PAGE
        found = [
            row.article.id
            for number in range(pages + 1)
            for row in writing.page(session, Wanted(), offset=number * PAGE, limit=PAGE)
        ]
    assert len(found) == len(set(found)) == MANY and pages == MANY // PAGE
    assert len(read) < 6 * pages and not any(re.search(r"\bmessages\b", one) for one in read)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite tells its plans in other words
def test_no_row_is_looked_up_once_for_each_of_the_others(database: Database) -> None:
    asked: list[tuple[str, object]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *of: asked.append((of[2], of[3])))
    with database.reading() as session:
        writing.count(session, Wanted(words="a"))
        writing.page(session, Wanted(words="a"), offset=0, limit=PAGE)
    with database.engine.connect() as connection:
        for statement, values in [one for one in asked if one[0].startswith("SELECT")]:
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())  # type: ignore[arg-type]
            assert not re.search(r"(?<!hashed )SubPlan \d+[).]", plan), plan
