"""Drafts: what is typed waits beside the article, one for each editor, and is nobody's words until it is saved."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from newsletter import accounts, articles, drafts
from newsletter.articles import Article, Revision
from newsletter.db import Database
from newsletter.drafts import Draft, Place
from tests.conftest import NOON

ONE, OTHER = "a" * 20, "b" * 20


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.transaction() as opened:
        yield opened


@pytest.fixture
def paula(session: Session) -> int:
    return accounts.create(session, "paula@example.org", "a long enough password", NOON).id


@pytest.fixture
def article(session: Session, paula: int) -> Article:
    return articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.", by=paula)


def test_two_editors_of_one_article_never_write_over_each_other(session: Session, paula: int, article: Article) -> None:
    for sitting in (ONE, OTHER):
        drafts.keep(session, Place(paula, sitting, article.id, 1), {"body": sitting}, NOON)
    drafts.keep(session, Place(paula, ONE, article.id, 1), {"body": "more"}, NOON + timedelta(minutes=1))
    assert [one.typed["body"] for one in drafts.opened(session, article)] == ["more", OTHER]


def test_the_same_words_once_more_leave_it_as_it_was(session: Session, paula: int, article: Article) -> None:
    for minutes in range(3):
        later = NOON + timedelta(minutes=minutes)
        kept = drafts.keep(session, Place(paula, ONE, article.id, 1), {"body": "new\r\n"}, later)
    assert kept.saved_at == NOON


def test_keeping_changes_no_revision(session: Session, paula: int, article: Article) -> None:
    drafts.keep(session, Place(paula, ONE, article.id, 1), {"body": "new", "title": "New"}, NOON)
    session.flush()
    assert session.scalar(select(func.count(Revision.id)).where(Revision.article_id == article.id)) == 1
    assert (article.title, article.current.body) == ("Golf", "Turn.")


def test_what_comes_behind_the_save_does_not_bring_a_draft_back(session: Session, paula: int, article: Article) -> None:
    here = Place(paula, ONE, article.id, 1)
    drafts.keep(session, here, {"body": "new"}, NOON)
    drafts.close(session, here, article, NOON)
    with pytest.raises(drafts.Closed):
        drafts.keep(session, here, {"body": "new"}, NOON)
    assert drafts.opened(session, article) == []
    assert drafts.saved_by(session, here) is article


def test_a_sitting_that_kept_nothing_is_closed_too(session: Session, paula: int, article: Article) -> None:
    drafts.close(session, Place(paula, ONE), article, NOON)
    assert drafts.saved_by(session, Place(paula, ONE)) is article
    drafts.close(session, Place(paula, "no sitting"), article, NOON)
    assert session.scalar(select(func.count(Draft.id))) == 1


def test_what_no_text_can_hold_is_left_out_and_all_else_is_kept(session: Session, paula: int) -> None:
    typed = "a\0b\r\nc\ud800 <script>{{7*7}}</script> " + "😀" * 200_000
    kept = drafts.keep(session, Place(paula, ONE), {"body": typed}, NOON)
    session.flush()
    session.expire(kept)
    assert kept.typed["body"] == "ab\nc <script>{{7*7}}</script> " + "😀" * 200_000


def test_old_ones_go_when_a_new_one_comes(session: Session, paula: int, article: Article) -> None:
    drafts.keep(session, Place(paula, ONE, article.id, 1), {"body": "old"}, NOON)
    drafts.close(session, Place(paula, OTHER), article, NOON)
    later = NOON + drafts.KEPT + timedelta(days=1)
    drafts.keep(session, Place(paula, "c" * 20), {"body": "new"}, later)
    session.flush()
    assert [one.typed["body"] for one in session.scalars(select(Draft))] == ["new"]


def test_there_are_not_more_than_so_many(
    session: Session, paula: int, article: Article, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST", 3)
    for number in range(6):
        drafts.keep(session, Place(paula, f"{number}" * 20), {"body": str(number)}, NOON)
        session.flush()
    assert sorted(one.typed["body"] for one in session.scalars(select(Draft))) == ["3", "4", "5"]


def test_two_connections_that_keep_the_same_editor_at_once_keep_one(database: Database) -> None:
    with database.transaction() as session:
        paula = accounts.create(session, "paula@example.org", "a long enough password", NOON).id
    start = Barrier(4)

    def keep(words: str) -> None:
        start.wait()
        with database.transaction() as session:
            drafts.keep(session, Place(paula, ONE), {"body": words}, NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, "abcd"))
    with database.reading() as session:
        assert session.scalars(select(Draft)).one().typed["body"] in "abcd"


@pytest.mark.parametrize(("typed", "title"), [
    ({"title": " A\nb "}, "A b"), ({"subject": "S"}, "S"), ({}, "Without a title"), ({"title": "W" * 999}, "W" * 200),
])  # fmt: skip
def test_it_is_called_what_was_typed(typed: dict[str, str], title: str) -> None:
    assert Draft(owner_id=1, sitting=ONE, base=0, typed=typed, saved_at=NOON).title == title
