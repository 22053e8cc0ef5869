"""Autosave: kept beside the article, offered again, never sent, never in anybody's way."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from newsletter import accounts
from newsletter.articles import Article
from newsletter.drafts import LONGEST, Draft
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.web.owner.conftest import PASSWORD, Desk, readable, sign_in
from tests.web.owner.test_articles import TEXT, revisions

JSON = {"Accept": "application/json"}
ONE, OTHER = "a" * 20, "b" * 20


def kept(desk: Desk, sitting: str = ONE, client: FlaskClient | None = None, **typed: Any) -> TestResponse:
    """What the composer's script sends a moment after a key."""
    desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    form = {"csrf_token": desk.token, "sitting": sitting, **TEXT, "base": "1", **typed}
    return (client or desk.client).post("/owner/articles/draft", data=form, headers=JSON)


def drafts(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return [one.typed["body"] for one in session.scalars(select(Draft).order_by(Draft.id)) if not one.closed_at]


def test_what_is_kept_changes_nothing_that_is_sent_and_is_offered_again(
    desk: Desk, runtime: Runtime, article: int
) -> None:
    assert kept(desk, article=article, body="Typed, not saved.").get_json()["kept"] == "12:00"
    assert len(revisions(runtime, article)) == 1
    page = desk.get(f"/owner/articles/{article}/edit")
    assert "Words of yours are not saved yet" in readable(page)
    assert "Typed, not saved." not in page
    with runtime.database.reading() as session:
        id = session.scalars(select(Draft.id)).one()
    assert "Typed, not saved.</textarea>" in desk.get(f"/owner/articles/{article}/edit?draft={id}")
    assert "On sleep" in desk.read("/owner/write")


def test_a_new_article_is_kept_before_it_is_there(desk: Desk, runtime: Runtime) -> None:
    kept(desk, article="", base="")
    with runtime.database.reading() as session:
        id = session.scalars(select(Draft.id)).one()
        before = len(session.scalars(select(Article.id)).all())
    page = desk.get(f"/owner/articles/new?draft={id}")
    assert "Sleep.</textarea>" in page
    desk.post("/owner/articles/new", **TEXT, sitting=OTHER, follows=f"{id}@{NOON.timestamp():.6f}")
    assert drafts(runtime) == []
    with runtime.database.reading() as session:
        assert len(session.scalars(select(Article.id)).all()) == before + 1


def test_saving_ends_it_and_what_comes_late_does_not_bring_it_back(desk: Desk, runtime: Runtime, article: int) -> None:
    kept(desk, article=article)
    desk.post(f"/owner/articles/{article}/edit", **TEXT, base="1", sitting=ONE)
    assert drafts(runtime) == []
    assert kept(desk, article=article, base="2").get_json()["kept"] == ""
    late = kept(desk, article=article, body="Typed behind Back.", base="1")
    assert late.status_code == 409
    again = kept(desk, sitting=late.get_json()["sitting"], article=article, body="Typed behind Back.", base="1")
    assert again.status_code == 200
    assert drafts(runtime) == ["Typed behind Back."]


def test_a_new_article_that_is_saved_twice_is_one(desk: Desk, runtime: Runtime) -> None:
    first = desk.post("/owner/articles/new", **TEXT, sitting=ONE)
    again = desk.post("/owner/articles/new", **TEXT, sitting=ONE)
    assert again.request.path == first.request.path
    behind_back = desk.post("/owner/articles/new", **{**TEXT, "body": "Better."}, sitting=ONE)
    assert behind_back.request.path == first.request.path
    with runtime.database.reading() as session:
        made = session.scalars(select(Article).where(Article.title == "On sleep")).one()
        assert [one.body for one in made.revisions] == ["Hello.\n\nSleep.", "Better."]
    assert kept(desk, article="", base="").get_json()["closed"]


def test_two_tabs_keep_two_and_each_is_told_of_the_other(desk: Desk, runtime: Runtime, article: int) -> None:
    kept(desk, article=article, body="one")
    told = kept(desk, sitting=OTHER, article=article, body="other").get_json()
    assert "Others wait too: of you, elsewhere." in told["others"]
    assert drafts(runtime) == ["one", "other"]


def test_that_somebody_has_saved_since_is_told_while_typing(desk: Desk, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        ann = accounts.create(session, "ann@example.org", PASSWORD, NOON)
        session.get_one(Article, article).revise(NOON, subject="S", preheader="", body="Hers.", by=ann.id)
    told = kept(desk, article=article, base="1").get_json()
    assert "Revision 2 was saved" in told["newer"]
    assert "by ann@example.org" in told["newer"]


def test_what_is_saved_already_is_no_draft(desk: Desk, runtime: Runtime, article: int) -> None:
    kept(desk, article=article, body="typed")
    with runtime.database.reading() as session:
        words = session.get_one(Article, article)
        same = {"title": words.title, "topic": "", "subject": words.current.subject, "preheader": "",
                "body": words.current.body.replace("\n", "\r\n")}  # fmt: skip
    assert kept(desk, article=article, **same).get_json()["kept"] == ""
    empty = {"title": "", "subject": "", "preheader": "", "body": "{{ greeting }},\r\n\r\n"}
    assert kept(desk, sitting=OTHER, article="", **empty).get_json()["kept"] == ""
    assert drafts(runtime) == []


def test_a_session_that_is_over_is_told_and_keeps_nothing(desk: Desk, app: Flask, runtime: Runtime) -> None:
    answer = kept(desk, client=app.test_client())
    assert (answer.status_code, answer.get_json()) == (401, {"signed_out": True, "token": ""})
    assert drafts(runtime) == []


def test_who_has_signed_in_again_gets_a_token_and_goes_on(desk: Desk, app: Flask, runtime: Runtime) -> None:
    client = app.test_client()
    assert sign_in(client).status_code == 303
    answer = kept(desk, client=client)  # with the token of the session that has ended
    assert answer.status_code == 401
    desk.token = answer.get_json()["token"]
    assert desk.token
    form = {"csrf_token": desk.token, "sitting": ONE, **TEXT}
    assert client.post("/owner/articles/draft", data=form, headers=JSON).status_code == 200
    assert drafts(runtime) == ["Hello.\n\nSleep."]


def test_without_a_script_a_text_goes_on_behind_signing_in(
    desk: Desk, app: Flask, runtime: Runtime, article: int
) -> None:
    path, client = f"/owner/articles/{article}/edit", app.test_client()
    typed = {**TEXT, "base": "1", "sitting": ONE, "body": "An hour's\r\n</textarea>work"}
    page = client.post(path, data=typed).text
    assert "go on" in readable(page)
    assert f'action="{path}"' in page
    assert sign_in(client).status_code == 303
    page = client.post(path, data=typed)
    assert page.status_code == 400
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert "Save this text" in page.text
    assert len(revisions(runtime, article)) == 1
    assert client.post(path, data={**typed, "csrf_token": token}).status_code == 303
    assert revisions(runtime, article)[-1] == "An hour's\n</textarea>work"


@pytest.mark.parametrize(
    "typed",
    [
        {"body": "<script>alert(1)</script> {{7*7}} \0 \ud7ff"}, {"subject": "a\r\nBcc: x@example.com"},
        {"title": "W" * 5000}, {"body": "x" * 210_000}, {"base": "9" * 30}, {"base": "-1"}, {"follows": "x@1"},
        {"follows": "1@1"}, {"article": "999999"}, {"article": "9" * 30}, {"topic": "No such"},
    ],
)  # fmt: skip
def test_whatever_is_typed_is_kept(desk: Desk, runtime: Runtime, typed: dict[str, str]) -> None:
    assert kept(desk, **typed).status_code == 200
    with runtime.database.reading() as session:
        found = session.scalars(select(Draft)).one()
        assert found.typed.keys() >= {"title", "subject", "body"}
        page = desk.get(f"/owner/articles/new?draft={found.id}")
    assert "<script>alert(1)" not in page
    assert "\0" not in page


def test_what_cannot_be_kept_is_told(desk: Desk, runtime: Runtime) -> None:
    assert "too long to be kept" in kept(desk, body="x" * (LONGEST + 1)).get_json()["error"]
    for name in ("", "x", "' OR 1=1 --aaaaaaaaaaa", "a" * 33):
        assert kept(desk, sitting=name).status_code == 422
    assert drafts(runtime) == []


def test_only_its_writer_throws_one_away(desk: Desk, app: Flask, runtime: Runtime, article: int) -> None:
    kept(desk, article=article)
    with runtime.database.transaction() as session:
        accounts.create(session, "ann@example.org", PASSWORD, NOON)
        id = session.scalars(select(Draft.id)).one()
    ann = Desk(app.test_client())
    assert sign_in(ann.client, email="ann@example.org").status_code == 303
    assert "paula@example.org has typed words here" in ann.read(f"/owner/articles/{article}/edit")
    assert "Sleep.</textarea>" in ann.get(f"/owner/articles/{article}/edit?draft={id}")
    assert "somebody else’s" in ann.told(f"/owner/drafts/{id}/delete")
    assert drafts(runtime) == ["Hello.\n\nSleep."]
    assert "Thrown away." in desk.told(f"/owner/drafts/{id}/delete")
    assert drafts(runtime) == []
    assert "draft thrown away On sleep" in desk.read("/owner/audit")


def test_a_draft_that_was_gone_on_with_stays_where_it_was_typed_into_since(
    desk: Desk, runtime: Runtime, article: int
) -> None:
    kept(desk, article=article, body="one")
    with runtime.database.reading() as session:
        id = session.scalars(select(Draft.id)).one()
    kept(desk, sitting=OTHER, article=article, body="other", follows=f"{id}@1.000000")
    assert drafts(runtime) == ["one", "other"]
    kept(desk, sitting=OTHER, article=article, body="other", follows=f"{id}@{NOON.timestamp():.6f}")
    assert drafts(runtime) == ["other"]


def test_what_is_not_there_or_of_another_article_is_not_gone_on_with(desk: Desk, article: int) -> None:
    kept(desk, article="", base="", body="Of a new one.")
    for id in ("1", "99", "x", "9" * 40):
        assert "Of a new one." not in desk.get(f"/owner/articles/{article}/edit?draft={id}")
