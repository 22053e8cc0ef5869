"""Pages behind personal links: GET shows, POST acts, and a link is worth only what it says."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from sqlalchemy import MetaData, func, select

from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.guides import GuideRequest
from newsletter.links import Purpose
from newsletter.mail.ledger import Message
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment
from newsletter.subscribers import Status, Stream, Subscriber
from tests.web.conftest import FIFTY, PAIN, Visitor, forms

Inbox = Callable[[str], list[EmailMessage]]
Link = Callable[..., str]


def _everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    found = MetaData()
    found.reflect(database.engine)
    with database.reading() as session:
        return {
            name: [tuple(map(repr, row)) for row in session.execute(select(table).order_by(*table.primary_key))]
            for name, table in found.tables.items()
        }


def _one(runtime: Runtime) -> Subscriber:
    with runtime.database.reading() as session:
        return session.scalars(select(Subscriber)).one()


def _sent(runtime: Runtime, stream: Stream) -> int:
    with runtime.database.reading() as session:
        return session.scalar(select(func.count()).where(Message.stream == stream)) or 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_a_confirmation_changes_nothing(method: str, visitor: Visitor, link: Link, runtime: Runtime) -> None:
    visitor.subscribe()
    before = _everything(runtime.database)
    assert visitor.browser.open(link("confirm"), method=method).status_code == 200
    assert _everything(runtime.database) == before


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", ["unsubscribe", "preferences", "library", "view", "confirm"])
def test_opening_any_link_changes_nothing(kind: str, method: str, jane: Visitor, link: Link, runtime: Runtime) -> None:
    before = _everything(runtime.database)
    assert jane.browser.open(link(kind), method=method).status_code == 200
    assert _everything(runtime.database) == before


def test_the_button_confirms_and_the_page_offers_the_guide_at_once(
    visitor: Visitor, link: Link, runtime: Runtime, inbox: Inbox
) -> None:
    visitor.subscribe(first_name="Jane")
    answer = visitor.press(link("confirm"))
    assert (answer.status_code, answer.location) == (303, link("confirm"))
    page = visitor.get(answer.location)
    download = next(word.split('"')[1] for word in page.text.split() if word.startswith('href="/download/'))
    assert visitor.get(download).data.startswith(b"%PDF-")
    assert [form.fields["guide"] for form in forms(page)] == [PAIN]
    assert _one(runtime).status is Status.CONFIRMED
    assert inbox("jane@example.com")[-1]["subject"].startswith("Your guide: ")


def test_a_double_click_on_confirm_brings_one_guide(visitor: Visitor, link: Link, runtime: Runtime) -> None:
    visitor.subscribe()
    (form,) = forms(visitor.get(link("confirm")))
    answers = [visitor.browser.post(form.action, data=form.fields).status_code for _ in range(2)]
    assert answers == [303, 303]
    assert _sent(runtime, Stream.GUIDE) == 1


@pytest.mark.both_databases
def test_two_browsers_confirming_at_once_bring_one_guide(
    app: Flask, visitor: Visitor, link: Link, runtime: Runtime
) -> None:
    visitor.subscribe()
    (form,) = forms(visitor.get(link("confirm")))

    def press(_: int) -> int:
        return app.test_client().post(form.action, data=form.fields).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(press, range(6))) == {303}
    assert _sent(runtime, Stream.GUIDE) == 1
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(Enrollment.id))) == 1


KINDS = ["confirm", "library", "preferences", "unsubscribe", "view"]


SPOILT: list[Callable[[str], str]] = [
    lambda token: token[:-1],
    lambda token: token[:10],
    lambda token: "A" * len(token),
    lambda token: token + "A",
    lambda token: token.swapcase(),
    lambda _: "x" * 5000,
    lambda _: "%00",
    lambda _: "é",
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_that_is_not_whole_is_told_and_does_nothing(
    kind: str, jane: Visitor, link: Link, runtime: Runtime
) -> None:
    before = _everything(runtime.database)
    for spoil in SPOILT:
        url = f"/{kind}/{spoil(link(kind).rsplit('/', 1)[1])}"
        page = jane.get(url)
        assert page.status_code == 404
        assert "This link is not complete" in page.text
        assert jane.browser.post(url).status_code in (404, 405)
    assert _everything(runtime.database) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_for_something_else_opens_nothing(kind: str, visitor: Visitor, runtime: Runtime) -> None:
    tried = [
        visitor.get(f"/{kind}/{runtime.signer.token(other, *numbers)}").status_code
        for other in set(Purpose) - {kind}
        for numbers in ((1,), (1, 1), (1, 1, 2_000_000_000))
    ]
    assert tried == [404] * 3 * (len(Purpose) - 1)


def test_a_confirmation_works_for_thirty_days(
    visitor: Visitor, link: Link, clock: FixedClock, runtime: Runtime
) -> None:
    visitor.subscribe()
    clock.forward(timedelta(days=30))
    assert visitor.get(link("confirm")).status_code == 200
    (form,) = forms(visitor.get(link("confirm")))
    clock.forward(timedelta(seconds=1))
    for page in (visitor.get(link("confirm")), visitor.browser.post(form.action, data=form.fields)):
        assert page.status_code == 410
        assert "has run out" in page.text and "Sign up again" in page.text
    assert _one(runtime).status is Status.PENDING


def test_a_confirmation_of_somebody_deleted_is_told(visitor: Visitor, link: Link, runtime: Runtime) -> None:
    visitor.subscribe()
    url = link("confirm")
    (form,) = forms(visitor.get(url))
    with runtime.database.transaction() as session:
        session.delete(session.scalars(select(Subscriber)).one())
    assert visitor.get(url).status_code == visitor.browser.post(url, data=form.fields).status_code == 410


@pytest.mark.parametrize("kind", ["confirm", "library", "preferences"])
@pytest.mark.parametrize("token", [None, "", "forged"])
def test_a_button_that_is_not_ours_does_nothing(
    kind: str, token: str | None, visitor: Visitor, link: Link, runtime: Runtime, person: Callable[..., int]
) -> None:
    visitor.subscribe()
    urls = runtime.renderer.urls
    paths = {"confirm": link("confirm"), "library": urls.library(1), "preferences": urls.preferences(1)}
    before = _everything(runtime.database)
    data = {"guide": PAIN, "newsletter": "y"} | ({} if token is None else {"csrf_token": token})
    answer = visitor.browser.post(paths[kind].removeprefix(runtime.settings.site), data=data)
    assert answer.status_code == 400
    assert "did not come from our page" in answer.text
    assert _everything(runtime.database) == before


def test_the_library_shows_what_is_there_and_gives_another_guide_with_one_click(
    jane: Visitor, link: Link, inbox: Inbox
) -> None:
    answer = jane.press(link("library"))
    page = jane.get(answer.location)
    assert answer.status_code == 303
    assert "is yours. You can open it here" in page.text
    assert page.text.count("/download/") == 2
    assert forms(page) == []
    assert "9 key principles" in inbox("jane@example.com")[-1]["subject"]


def test_who_has_left_keeps_the_guides_and_gets_no_new_one(jane: Visitor, link: Link, runtime: Runtime) -> None:
    library = link("library")
    jane.press(link("unsubscribe"))
    page = jane.get(library)
    assert page.text.count("/download/") == 1
    download = next(url for url in re.findall(r'href="([^"]+)"', page.text) if "/download/" in url)
    assert jane.get(download).status_code == 200
    sent = _sent(runtime, Stream.GUIDE)
    for form in forms(page):
        jane.browser.post(form.action or library, data=form.fields)
    assert _sent(runtime, Stream.GUIDE) == sent


def test_a_double_click_on_a_guide_sends_one_mail(jane: Visitor, link: Link, runtime: Runtime) -> None:
    (form,) = forms(jane.get(link("library")))
    answers = [jane.browser.post(link("library"), data=form.fields).status_code for _ in range(3)]
    assert answers == [303, 303, 303]
    assert _sent(runtime, Stream.GUIDE) == 2


@pytest.mark.parametrize("guide", ["", "no-such-guide", "x" * 10_000, "\x00"])
def test_a_guide_that_is_not_there_cannot_be_asked_for(guide: str, jane: Visitor, link: Link) -> None:
    assert jane.press(link("library"), guide=guide).status_code in (400, 404)


def _download(runtime: Runtime, guide: int, last: timedelta) -> str:
    last_second = int((runtime.clock.now() + last).timestamp())
    return f"/download/{runtime.signer.token(Purpose.DOWNLOAD, _one(runtime).id, guide, last_second)}"


def test_a_download_is_noted_once_and_a_look_is_not_a_download(jane: Visitor, link: Link, runtime: Runtime) -> None:
    url = f"{link('library')}/{FIFTY}.pdf"
    assert jane.browser.head(url, buffered=True).status_code == 200
    assert _fetched(runtime) == [None]
    pdf = jane.get(url)
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert _fetched(runtime) == [runtime.clock.now()]


def _fetched(runtime: Runtime) -> list[object]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(GuideRequest.fetched_at)))


def test_a_download_link_is_for_one_guide_and_for_its_time(jane: Visitor, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        fifty = session.scalars(select(GuideRequest.guide_id)).one()
    good = _download(runtime, fifty, timedelta(days=1))
    assert jane.get(f"{good}/{FIFTY}.pdf").status_code == 200
    assert jane.get(f"{good}/{PAIN}.pdf").status_code == 404
    assert jane.get(f"{_download(runtime, fifty, timedelta(seconds=-1))}/{FIFTY}.pdf").status_code == 410


def test_a_guide_never_asked_for_is_not_given(jane: Visitor, link: Link) -> None:
    page = jane.get(f"{link('library')}/{PAIN}.pdf")
    assert page.status_code == 404
    assert "not in your library yet" in page.text


def test_a_mail_is_shown_as_it_was_sent_and_can_run_nothing(jane: Visitor, link: Link, inbox: Inbox) -> None:
    page = jane.get(link("view"))
    html = inbox("jane@example.com")[-1].get_body(("html",))
    assert html is not None
    assert page.text.split() == html.get_content().split()
    assert "sandbox" in page.headers["Content-Security-Policy"]
    assert "script-src" not in page.headers["Content-Security-Policy"]


def test_links_of_a_test_mail_say_so(visitor: Visitor, runtime: Runtime) -> None:
    urls = runtime.renderer.urls
    for url in (urls.library(0), urls.preferences(0)):
        page = visitor.get(url.removeprefix(runtime.settings.site))
        assert page.status_code == 410
        assert "This is a test mail" in page.text


def test_personal_pages_are_not_for_search_engines(jane: Visitor, link: Link) -> None:
    for kind in ("confirm", "library", "preferences", "unsubscribe"):
        assert '<meta name="robots" content="noindex">' in jane.get(link(kind)).text


def test_no_personal_page_sets_a_cookie(jane: Visitor, link: Link) -> None:
    for kind in KINDS:
        assert "Set-Cookie" not in jane.get(link(kind)).headers


def test_no_cache_keeps_a_personal_page_and_its_address_travels_nowhere(jane: Visitor, link: Link) -> None:
    library = link("library")
    pdf = re.findall(r'href="(/download/[^"]+)"', jane.get(library).text)
    for path in (library, link("confirm"), *pdf, link("preferences"), "/unsubscribe/forged", "/view/forged"):
        headers = jane.get(path).headers
        assert headers["Cache-Control"] == "private, no-store", path
        assert headers["Referrer-Policy"] == "no-referrer", path


def test_that_holds_for_every_address_with_a_token_in_it(visitor: Visitor, app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    rules = [one for one in app.url_map.iter_rules() if "token" in one.arguments and "GET" in (one.methods or ())]
    assert {"own.show", "own.data", "clicks.follow", "preferences.show"} <= {one.endpoint for one in rules}
    for rule in rules:
        headers = visitor.get(adapter.build(rule.endpoint, dict.fromkeys(rule.arguments, "forged"))).headers
        assert headers["Cache-Control"] == "private, no-store", rule
        assert headers["Referrer-Policy"] == "no-referrer", rule
        assert headers["X-Robots-Tag"] == "noindex, nofollow", rule
