"""From a PDF to a guide that visitors ask for, in five steps that tick themselves, and a test run to the owner."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.guides import Guide, GuideRequest
from newsletter.runtime import Runtime
from newsletter.sequences import Sequence
from newsletter.subscribers import Subscriber
from tests.conftest import InlineTrigger
from tests.web.owner.conftest import EMAIL, Desk
from tests.web.owner.test_own_guides import pdf

Inbox = Callable[[str], list[EmailMessage]]


@pytest.fixture
def sleep(desk: Desk, runtime: Runtime) -> int:
    """A guide whose PDF alone has been sent."""
    assert "The next steps: its box" in desk.told(
        "/owner/guides/new", file=pdf(), title="Sleep well", box="{pages} pages"
    )
    with runtime.database.reading() as session:
        return session.scalars(select(Guide.id).where(Guide.title == "Sleep well")).one()


def _ticked(desk: Desk, id: int) -> list[str]:
    items = desk.get(f"/owner/guides/{id}/set-up").split('<ol class="first-steps">')[1].split("</ol>")[0].split("<li")
    return [item.split("<a ")[1].split(">")[1].split("<")[0] for item in items if 'class="done"' in item]


def test_each_step_is_ticked_by_what_is_so(desk: Desk, sleep: int, runtime: Runtime, article: int) -> None:
    with runtime.database.transaction() as session:
        guide = session.get_one(Guide, sleep)
        guide.box, guide.question = "{pages} pages", ""
    assert _ticked(desk, sleep) == ["The PDF", "Its box"]
    words = {"title": "Sleep well", "box": "Eight hours, in 4 pages", "begin": "", "begin_page": "0", "topic": ""}
    desk.post(f"/owner/guides/{sleep}", **words, question="How did you sleep?")
    assert _ticked(desk, sleep) == ["The PDF", "Its box", "Its mail"]
    with runtime.database.transaction() as session:
        session.get_one(Guide, sleep).landing = {"blocks": []}
        series = session.scalars(select(Sequence).where(Sequence.guide_slug == "sleep-well")).one()
        series.live = False
    assert "Its page" in _ticked(desk, sleep)
    assert "0 articles follow the guide" in desk.read(f"/owner/guides/{sleep}/set-up")
    desk.post(f"/owner/series/{series.id}/steps", article=article, delay="1 day")
    assert "Its series" not in _ticked(desk, sleep), "off"
    desk.post(f"/owner/series/{series.id}/live", live="yes")
    assert _ticked(desk, sleep) == ["The PDF", "Its box", "Its page", "Its mail", "Its series"]


def test_saving_a_step_leads_back_to_the_five(desk: Desk, sleep: int, runtime: Runtime) -> None:
    steps = f"/owner/guides/{sleep}/set-up"
    links = re.findall(r'href="(/owner/[^"]+set_up=\d+[^"]*)"', unescape(desk.get(steps)))
    assert len(links) == 5
    for link in links:
        page = desk.get(link)
        assert f'name="set_up" value="{sleep}"' in page and steps in page, link
    words = {"title": "Sleep well", "box": "Eight hours", "begin": "", "begin_page": "0", "topic": "", "question": ""}
    sent: list[tuple[str, dict[str, Any]]] = [
        (f"/owner/guides/{sleep}", words), (f"/owner/guides/{sleep}/page", {"do": "save", "landing": ""}),
        (f"/owner/series/{_series(runtime)}/live", {"live": "yes"}),
        (f"/owner/guides/{sleep}/edition", {"file": pdf()}),
    ]  # fmt: skip
    for path, form in sent:
        answer = desk.post(path, follow=False, set_up=sleep, **form)
        assert (answer.status_code, answer.location) == (303, steps), path
    assert desk.post(sent[0][0], follow=False, **words).location == "/owner/guides"


def test_putting_its_series_together_keeps_the_way_back(desk: Desk, sleep: int, runtime: Runtime, article: int) -> None:
    series = f"/owner/series/{_series(runtime)}"
    answer = desk.post(f"{series}/steps", follow=False, set_up=sleep, article=article, delay="1 day")
    assert answer.location == f"{series}?set_up={sleep}"
    assert desk.get(answer.location).count(f'name="set_up" value="{sleep}"') == 4, "switch, delay, removal, addition"
    for sent in ("0 days", "2 days", "two"):
        step = re.findall(rf'action="({series}/steps/\d+/delay)"', desk.get(series))[0]
        assert desk.post(step, follow=False, set_up=sleep, delay=sent).location == f"{series}?set_up={sleep}", sent
    assert desk.post(f"{series}/steps", follow=False, article=article, delay="1 day").location == series


def _series(runtime: Runtime) -> int:
    with runtime.database.reading() as session:
        return session.scalars(select(Sequence.id).where(Sequence.guide_slug == "sleep-well")).one()


def test_its_mail_comes_to_the_owner_once_and_to_nobody_else(
    desk: Desk, sleep: int, runtime: Runtime, inbox: Inbox, trigger: InlineTrigger
) -> None:
    for _ in range(2):
        told = desk.told(f"/owner/guides/{sleep}/test", number=7)
    assert "That test is on its way already." in told
    trigger.wake()
    (mail,) = inbox(EMAIL)
    assert mail["Subject"] == "[Test] Your guide: Sleep well"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "Here is the guide you asked for" in text.get_content()
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).all() == []
        assert session.scalars(select(GuideRequest)).all() == []
    desk.post(f"/owner/guides/{sleep}/test", number=8)
    trigger.wake()
    assert len(inbox(EMAIL)) == 2


def test_a_guide_without_its_pdf_says_so_and_sends_no_test(desk: Desk, sleep: int, runtime: Runtime) -> None:
    runtime.guides.of("sleep-well").unlink()
    page = desk.get(f"/owner/guides/{sleep}/set-up")
    assert "It is missing or not whole. Send it again." in page
    assert "Its mail" in page and "disabled" in page
    assert _ticked(desk, sleep)[:1] != ["The PDF"]
    assert "Send the PDF again first" in desk.told(f"/owner/guides/{sleep}/test", number=1)
