"""The page on which an owner removes what came with the product."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select

from newsletter.accounts import AuditEntry, Role
from newsletter.articles import Article
from newsletter.campaigns import Campaign
from newsletter.examples import Stays
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.web.owner.examples import WHY
from tests.web.owner.conftest import Desk
from tests.web.owner.test_permissions import become

PATH, LINK = "/owner/examples", 'href="/owner/examples"'


def _seen(desk: Desk) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', desk.get(PATH))
    assert found is not None
    return found[1]


def _articles(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count(Article.id))) or 0


def _noted(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "examples removed")))


def test_home_and_data_lead_to_it(desk: Desk, runtime: Runtime) -> None:
    assert LINK in desk.get("/owner/") and LINK in desk.get("/owner/data")
    desk.post(PATH, seen=_seen(desk), guides="yes")
    assert LINK not in desk.get("/owner/") and LINK in desk.get("/owner/data")


def test_after_the_first_campaign_home_says_no_more_of_it(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.scalars(select(Campaign)).one().launched_at = runtime.clock.now()
    assert LINK not in desk.get("/owner/") and LINK in desk.get("/owner/data")


def test_the_page_says_what_goes_and_what_stays_and_changes_nothing(
    desk: Desk, runtime: Runtime, enrolled: Callable[..., int]
) -> None:
    enrolled("jane@example.com")
    page = desk.read(PATH)
    goes, stays = page.split("What stays, and why")
    assert "How heavy is heavy enough after 50? (an article)" in goes and "Only if you say so: the guides" in goes
    assert "9 key principles to help you recover from pain and injury (a series) : somebody is in it, or was." in stays
    assert "Find the weak link before you train the strong ones (an article) : it is, or was, in a series" in stays
    assert _articles(runtime) == 19


def test_a_press_removes_what_was_shown_and_a_second_one_nothing(desk: Desk, runtime: Runtime) -> None:
    seen = _seen(desk)
    assert "24 examples are removed." in desk.told(PATH, seen=seen)
    assert _articles(runtime) == 0 and len(_noted(runtime)) == 1 and "article 1" in _noted(runtime)[0]
    with runtime.database.reading() as session:
        assert set(session.scalars(select(Guide.hidden))) == {False}
    assert "Nothing was removed: something has changed" in desk.told(PATH, seen=seen)
    assert "Nothing is left to remove" in desk.told(PATH, seen=_seen(desk))
    assert len(_noted(runtime)) == 1
    for path in ("", "write", "series", "series/1", "guides", "guides/1/set-up", "forms", "topics"):
        desk.get(f"/owner/{path}")


def test_the_guides_are_hidden_where_it_was_said_and_home_asks_for_nobody_who_wrote_them(
    desk: Desk, runtime: Runtime
) -> None:
    assert "who wrote these guides" in desk.read("/owner/")
    assert " checked" not in desk.get(PATH)
    assert "26 examples are removed." in desk.told(PATH, seen=_seen(desk), guides="yes")
    home = desk.read("/owner/")
    assert "who wrote these guides" not in home and "Before your first campaign: 0 of 7" in home


def test_who_has_a_guide_of_their_own_finds_the_box_ticked(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.add(Guide(slug="mine", title="Mine", box="Mine.", position=9))
    assert 'value="yes" checked' in desk.get(PATH)


def test_what_changes_behind_the_page_is_told_and_nothing_is_removed(desk: Desk, runtime: Runtime) -> None:
    seen = _seen(desk)
    with runtime.database.transaction() as session:
        session.get_one(Article, 1).revise(runtime.clock.now(), subject="Mine", preheader="", body="Mine.")
    assert "Nothing was removed: something has changed" in desk.told(PATH, seen=seen)
    assert _articles(runtime) == 19 and _noted(runtime) == []
    assert "Nothing was removed" in desk.told(PATH), "a press that has seen nothing takes nothing"


@pytest.mark.parametrize("role", [Role.EDITOR, Role.WRITER])
def test_only_who_may_change_the_settings_may_do_it(desk: Desk, runtime: Runtime, role: Role) -> None:
    become(runtime.database, role)
    assert LINK not in desk.get("/owner/")
    assert desk.client.get(PATH).status_code == 403
    assert _articles(runtime) == 19


def test_what_was_typed_for_an_article_that_was_removed_meanwhile_is_not_lost(desk: Desk, runtime: Runtime) -> None:
    typed = {"title": "Mine", "subject": "Mine", "body": "An hour of work.", "topic": ""}
    desk.post(PATH, seen=_seen(desk))
    answer = desk.post("/owner/articles/1/edit", **typed)
    assert answer.status_code == 422 and "This article has been removed meanwhile" in answer.text
    assert "An hour of work." in answer.text and 'action="/owner/articles/new"' in answer.text
    desk.post("/owner/articles/new", **typed)
    assert _articles(runtime) == 1


def test_every_reason_has_words(app: Flask) -> None:
    assert set(WHY) == set(Stays)
