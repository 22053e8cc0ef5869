"""Versions: who wrote which when, what differs in words, and putting one back as a new one."""

import pytest
from sqlalchemy import select

from newsletter.articles import Article, Revision
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.web.owner.conftest import EMAIL, Desk, readable
from tests.web.owner.test_articles import TEXT, revisions


@pytest.fixture
def twice(desk: Desk, article: int) -> int:
    """An article that Paula has changed once."""
    body = "{{ greeting }},\r\n\r\nwalk **less** <script>. [Your page]({{ library_url }})\r\n"
    desk.post(f"/owner/articles/{article}/edit", **{**TEXT, "body": body}, base="1")
    return article


def test_all_of_them_with_who_and_when(desk: Desk, twice: int) -> None:
    page = desk.read(f"/owner/articles/{twice}/versions")
    assert page.index("Version 2 now") < page.index("Version 1")
    assert page.count(EMAIL) == 2  # the side names who is signed in; nobody knows who wrote the first
    assert "Put back version 1" in page
    assert "Put back version 2" not in page


def test_what_differs_is_told_in_words(desk: Desk, twice: int) -> None:
    page = desk.get(f"/owner/articles/{twice}/versions/2")
    assert "[taken out: more ]" in readable(page).replace("[taken out: more]", "[taken out: more ]")
    assert "less" in page
    assert "&lt;script&gt;" in page
    assert "<script>." not in page
    back = readable(desk.get(f"/owner/articles/{twice}/versions/1?against=2"))
    assert "against version 2" in back
    assert "the first one" in desk.read(f"/owner/articles/{twice}/versions/1")


def test_putting_one_back_makes_a_new_one(desk: Desk, runtime: Runtime, twice: int) -> None:
    before = revisions(runtime, twice)
    assert "are back, as version 3" in desk.told(f"/owner/articles/{twice}/versions/1/restore")
    assert revisions(runtime, twice) == [*before, before[0]]
    desk.post(f"/owner/articles/{twice}/versions/1/restore")  # a double click
    assert len(revisions(runtime, twice)) == 3
    with runtime.database.reading() as session:
        made = session.scalars(select(Revision).where(Revision.article_id == twice, Revision.number == 3)).one()
        assert made.author_id is not None
    assert f"article restored {twice} revision 3 from 1" in desk.read("/owner/audit")


def test_one_that_can_be_no_mail_any_more_is_not_put_back(desk: Desk, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        words = session.get_one(Article, article)
        words.revise(NOON, subject="S", preheader="", body="{{ gone }}")
        words.revise(NOON, subject="S", preheader="", body="Fine.")
    told = desk.told(f"/owner/articles/{article}/versions/2/restore")
    assert "can be no mail any more" in told
    assert "there is no variable “gone”" in told
    assert len(revisions(runtime, article)) == 3


@pytest.mark.parametrize("path", ["versions/99", "versions/99/restore"])
def test_one_that_is_not_there_is_told(desk: Desk, article: int, path: str) -> None:
    if path.endswith("restore"):
        assert "There is no version 99." in desk.told(f"/owner/articles/{article}/{path}")
    else:
        page = desk.client.get(f"/owner/articles/{article}/{path}", follow_redirects=True)
        assert "There is no version 99." in page.text
    assert desk.client.get("/owner/articles/999/versions").status_code == 404


def test_many_are_listed_page_by_page(desk: Desk, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        words = session.get_one(Article, article)
        for number in range(60):
            words.revise(NOON, subject="S", preheader="", body=str(number))
    page = desk.get(f"/owner/articles/{article}/versions")
    assert "Next page" in page
    assert "Version 1<" in desk.get(f"/owner/articles/{article}/versions?before=12")
