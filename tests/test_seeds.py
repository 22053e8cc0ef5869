"""What a new install starts with."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter import brand, schema, seeds
from newsletter.articles import Article
from newsletter.brand import Brand
from newsletter.campaigns import Campaign, CampaignState
from newsletter.content import BadContent
from newsletter.db import Database
from newsletter.guides import Guide
from newsletter.mail.render import Content
from newsletter.preflight import Level, check
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.settings import ROOT
from tests.conftest import NOON


def test_the_example_is_all_there(database: Database) -> None:
    with database.reading() as session:
        house = brand.current(session)
        guides = session.scalars(select(Guide).order_by(Guide.position)).all()
        series = {one.guide_slug: len(one.current_steps) for one in session.scalars(select(Sequence))}
        assert session.scalars(select(Campaign)).one().state is CampaignState.DRAFT
    assert (house.name, house.email, house.zone) == ("Human Movement", "paul@human-movement.com", "Europe/London")
    assert house.address_lines == ["30 Cannon Street", "London", "EC4M 6XH", "United Kingdom"]
    assert [guide.slug for guide in guides] == ["recover-from-pain", "exercise-at-50"]
    assert series == {"recover-from-pain": 8, "exercise-at-50": 10}


def test_planting_twice_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        brand.current(session).name = "Another House"
    with database.transaction() as session:
        assert not seeds.plant(session, ROOT, NOON)
        assert brand.current(session).name == "Another House"
        assert session.scalar(select(func.count(Guide.id))) == 2


def test_everything_that_is_planted_passes_the_preflight(runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        house = brand.current(session)
        campaign = session.scalars(select(Campaign)).one()
        now = campaign.article.current
        words = Content(now.subject, now.preheader, now.body)
        report = check(session, runtime.renderer, house, words, campaign.audience(NOON), campaign.article_id)
    assert [one for one in report.checks if one.level in (Level.WARNING, Level.BLOCK)] == []


def test_a_text_that_lacks_its_head_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_bytes((ROOT / "site.toml").read_bytes())
    (tmp_path / "content" / "series" / "exercise-at-50").mkdir(parents=True)
    (tmp_path / "content" / "series" / "exercise-at-50" / "01-bad.md").write_text("---\ntitle: Bad\n---\nx\n")
    database = Database(f"sqlite:///{tmp_path}/new.sqlite3")
    schema.upgrade(database)
    with pytest.raises(BadContent, match=r"01-bad\.md.*subject"), database.transaction() as session:
        seeds.plant(session, tmp_path, NOON)
    with database.reading() as session:
        assert [session.scalar(select(func.count(table.id))) for table in (Brand, Article)] == [0, 0]
    database.dispose()


def test_another_brand_without_texts_works_too(tmp_path: Path) -> None:
    words = (ROOT / "site.toml").read_text(encoding="utf-8").replace("Human Movement", "Zoë’s Garden")
    (tmp_path / "site.toml").write_text(words, encoding="utf-8")
    database = Database(f"sqlite:///{tmp_path}/new.sqlite3")
    schema.upgrade(database)
    with database.transaction() as session:
        assert seeds.plant(session, tmp_path, NOON)
        assert brand.current(session).sender == "Paul at Zoë’s Garden"
        assert session.scalars(select(Sequence)).all() == []
    database.dispose()
