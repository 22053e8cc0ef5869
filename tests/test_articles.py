"""Articles: what is sent, and the words it was sent in."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from newsletter import articles
from newsletter.articles import Article, Revision
from newsletter.db import Database
from newsletter.slugs import slugify
from tests.conftest import NOON


def _golf() -> Article:
    article = Article(slug="golf", title="Golf", created_at=NOON, updated_at=NOON)
    article.revise(NOON, subject="Golf", preheader="", body="Turn both ways.")
    return article


def test_new_words_are_a_new_revision_and_the_old_ones_stay() -> None:
    article = _golf()
    article.revise(NOON + timedelta(days=1), subject="Golf", preheader="", body="Turn slowly.")
    assert [(one.number, one.body) for one in article.revisions] == [(1, "Turn both ways."), (2, "Turn slowly.")]
    assert article.current.number == 2
    assert article.updated_at == NOON + timedelta(days=1)


def test_the_same_words_again_are_no_revision() -> None:
    article = _golf()
    article.revise(NOON + timedelta(days=1), subject="Golf", preheader="", body="Turn both ways.")
    assert len(article.revisions) == 1
    assert article.updated_at == NOON


def test_of_many_revisions_the_newest_alone_is_read(database: Database) -> None:
    with database.transaction() as session:
        made = articles.write(session, NOON, title="Golf", subject="Golf", body="0")
        for number in range(1, 12):
            made.revise(NOON, subject="Golf", preheader="", body=str(number))
        slug = made.slug
    with database.transaction() as session:
        found = session.scalars(select(Article).where(Article.slug == slug).options(joinedload(Article.newest))).one()
        assert found.current.body == "11"
        assert [one for one in session.identity_map.values() if isinstance(one, Revision)] == [found.current]
        found.revise(NOON, subject="Golf", preheader="", body="12")
        assert (found.current.body, found.current.number) == ("12", 13)
    with database.reading() as session:
        found = session.scalars(select(Article).where(Article.slug == slug)).one()
        assert found.current.body == "12"
        assert len([one for one in session.identity_map.values() if isinstance(one, Revision)]) == 1


def test_publishing_keeps_the_first_date() -> None:
    article = _golf()
    article.publish(NOON)
    article.publish(NOON + timedelta(days=1))
    assert article.published_at == NOON
    article.unpublish()
    assert article.published_at is None


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Why you're waking up in pain", "why-youre-waking-up-in-pain"),
        ("Stärker & schneller: mit 50!", "starker-schneller-mit-50"),
        ("  --  ", "article"),
        ("李小龍", "article"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_title_as_it_stands_in_an_address(title: str, slug: str) -> None:
    assert slugify(title) == slug


@given(st.text())
def test_a_slug_is_never_empty_and_always_plain(title: str) -> None:
    slug = slugify(title)
    assert slug and set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_slug_that_is_taken_gets_a_number(database: Database) -> None:
    with database.transaction() as session:
        made = [articles.write(session, NOON, title="Golf", subject="Golf", body="…").slug for _ in range(3)]
        assert made == ["golf", "golf-2", "golf-3"]
        assert articles.write(session, NOON, title="Gol_", subject="x", body="…").slug == "gol"
