"""Writing, previewing, trying, publishing."""

from collections.abc import Callable
from email.message import EmailMessage

from flask import Flask
from sqlalchemy import select

from newsletter.articles import Article
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Subscriber
from tests.web.owner.conftest import EMAIL, Desk, readable

TEXT = {
    "title": "On sleep",
    "subject": "Sleep",
    "preheader": "One thing",
    "topic": "training",
    "body": "Hello.\r\n\r\nSleep.",
}


def revisions(runtime: Runtime, id: int) -> list[str]:
    with runtime.database.reading() as session:
        return [one.body for one in session.get_one(Article, id).revisions]


def test_a_new_article_is_kept_and_shown(desk: Desk) -> None:
    answer = desk.post("/owner/articles/new", **TEXT)
    assert answer.request.path.startswith("/owner/articles/")
    assert "On sleep" in readable(answer.text)
    assert "On sleep" in desk.read("/owner/write?q=SLEEP")


def test_each_save_that_changes_something_is_a_revision(desk: Desk, runtime: Runtime, article: int) -> None:
    path = f"/owner/articles/{article}/edit"
    desk.post(path, **TEXT, base="1")
    desk.post(path, **TEXT, base="2")
    assert revisions(runtime, article)[1:] == ["Hello.\n\nSleep."]


def test_a_variable_that_does_not_exist_is_told_beside_the_text_which_is_not_lost(
    desk: Desk, runtime: Runtime, article: int
) -> None:
    answer = desk.post(
        f"/owner/articles/{article}/edit", **{**TEXT, "body": "A {{ frist_name }} <b>typed</b>"}, base="1"
    )
    assert answer.status_code == 422
    assert "in line 1: there is no variable “frist_name”. Did you mean first_name?" in answer.text
    assert "A {{ frist_name }} &lt;b&gt;typed&lt;/b&gt;" in answer.text
    assert len(revisions(runtime, article)) == 1


def test_an_empty_subject_is_told_and_the_text_is_kept(desk: Desk) -> None:
    answer = desk.post("/owner/articles/new", **{**TEXT, "subject": " \r\n "})
    assert answer.status_code == 422
    assert "Every mail needs a subject" in answer.text
    assert "Sleep.</textarea>" in answer.text


def test_words_saved_in_another_window_are_not_overwritten_unseen(desk: Desk, runtime: Runtime, article: int) -> None:
    path = f"/owner/articles/{article}/edit"
    desk.post(path, **{**TEXT, "body": "From the other window."}, base="1")
    answer = desk.post(path, **TEXT, base="1")
    assert answer.status_code == 422
    assert "changed in another window" in answer.text
    assert 'name="base" type="hidden" value="2"' in answer.text
    assert desk.post(path, **TEXT, base="2").status_code == 200
    assert revisions(runtime, article)[-1] == "Hello.\n\nSleep."


def test_a_text_sent_after_the_session_ended_is_shown_and_not_saved(
    desk: Desk, app: Flask, runtime: Runtime, article: int
) -> None:
    path = f"/owner/articles/{article}/edit"
    for client in (desk.client, app.test_client()):
        answer = client.post(path, data={**TEXT, "body": "An hour's </textarea><b>work</b>"})
        assert answer.status_code == 400
        assert "An hour&#39;s &lt;/textarea&gt;&lt;b&gt;work&lt;/b&gt;</textarea>" in answer.text
    assert len(revisions(runtime, article)) == 1


def test_a_text_sent_after_a_new_password_elsewhere_is_shown_too(
    desk: Desk, article: int, new_password: Callable[[str], None]
) -> None:
    desk.get("/owner/")
    desk.post("/owner/settings/zone", zone="Europe/London")
    new_password("another long password")
    answer = desk.post(f"/owner/articles/{article}/edit", **TEXT, base="1")
    assert answer.status_code == 400
    assert "Sleep.</textarea>" in answer.text


def test_the_preview_is_the_mail_as_the_chosen_person_gets_it(
    desk: Desk, article: int, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com", "Jane")
    page = desk.get(f"/owner/articles/{article}?q=jane")
    assert f"/owner/articles/{article}?subscriber={jane}" in page
    shown = desk.client.get(f"/owner/articles/{article}/preview?subscriber={jane}")
    assert "Hello Jane," in shown.text
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    assert "walk more" in desk.read(f"/owner/articles/{article}?subscriber={jane}")


def test_the_preview_of_a_series_has_the_colour_of_its_guide(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        both = session.scalars(select(Sequence).order_by(Sequence.id)).all()
        first = {one.guide_slug: one.current_steps[0].article_id for one in both}
    seen = {slug: desk.get(f"/owner/articles/{article}/preview") for slug, article in first.items()}
    assert "border-top:4px solid #8a3b12" in seen["exercise-at-50"]
    assert "border-top:4px solid #0f5f63" in seen["recover-from-pain"]


def test_a_hostile_name_stays_a_name_in_the_preview(
    desk: Desk, runtime: Runtime, article: int, person: Callable[..., int]
) -> None:
    for number, name in enumerate(("<script>alert(1)</script>", "{{7*7}}", "[x](javascript:1)")):
        id = person(f"eve{number}@example.com")
        with runtime.database.transaction() as session:  # past the form, which takes most of these for no name
            session.get_one(Subscriber, id).first_name = name
        shown = desk.get(f"/owner/articles/{article}/preview?subscriber={id}")
        page = desk.get(f"/owner/articles/{article}?subscriber={id}&q=eve")
        assert name in readable(shown.replace("&lt;script&gt;", "<wbr>&lt;script&gt;"))
        assert "<script>alert" not in shown + page
        assert "Hello 49" not in shown + page
        assert 'href="javascript' not in shown + page


def test_the_preview_holds_no_link_of_the_person_it_is_shown_for(
    desk: Desk, runtime: Runtime, article: int, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com", "Jane")
    shown = desk.get(f"/owner/articles/{article}/preview?subscriber={jane}")
    assert runtime.renderer.urls.library(0) in shown
    assert runtime.renderer.urls.library(jane) not in shown
    assert runtime.renderer.urls.unsubscribe(jane, 0) not in shown


def test_a_test_comes_to_the_owner_once_for_a_double_click(
    desk: Desk, article: int, inbox: Callable[[str], list[EmailMessage]]
) -> None:
    path = f"/owner/articles/{article}/test"
    assert f"on its way to {EMAIL}" in desk.told(path, number="1")
    assert "on its way already" in desk.told(path, number="1")
    assert [mail["Subject"] for mail in inbox(EMAIL)] == ["[Test] A word on walking"]
    desk.post(path, number="2")
    assert len(inbox(EMAIL)) == 2


def test_publishing_puts_it_in_the_archive_and_takes_it_out(desk: Desk, article: int) -> None:
    desk.post(f"/owner/articles/{article}/archive", public="yes")
    assert desk.client.get("/archive/on-walking").status_code == 200
    desk.post(f"/owner/articles/{article}/archive", public="no")
    assert desk.client.get("/archive/on-walking").status_code == 404


def test_what_was_done_is_in_the_audit_log(desk: Desk, article: int) -> None:
    desk.post(f"/owner/articles/{article}/edit", **TEXT, base="1")
    log = desk.read("/owner/audit")
    assert f"article saved {article} revision 2 On sleep" in log
    assert EMAIL in log
