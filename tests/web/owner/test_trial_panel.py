"""Paula sends herself a test from the page that sends the campaign, and finds there what she had filled in."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from tests.web.owner.conftest import EMAIL, Desk
from tests.web.owner.test_trials import text

Inbox = Callable[[str], list[EmailMessage]]
FILLED = {"when": "at", "day": "2026-07-01", "clock": "17:45", "accept": "y"}


@pytest.fixture
def draft(desk: Desk, article: int, person: Callable[..., int]) -> str:
    """The page of a draft to Jane."""
    person("jane@example.com", "Jane")
    return str(desk.post("/owner/campaigns/new", article=article, audience="").request.path)


def test_until_i_have_tried_it_a_tick_is_wanted(desk: Desk, draft: str) -> None:
    assert "No test of it has been sent yet." in desk.read(draft)
    now = {"when": "at", "day": "2026-07-01", "clock": "09:00"}
    assert "Read the warnings, and tick this if it is meant so." in desk.told(f"{draft}/schedule", **now)
    desk.post(f"{draft}/try", number="1")
    assert "A test of it was sent as it stands." in desk.read(draft)
    assert "It goes out Wed 1 Jul 2026, 09:00 BST" in desk.told(f"{draft}/schedule", **now)


def test_a_test_keeps_what_i_had_filled_in(desk: Desk, draft: str, inbox: Inbox) -> None:
    answer = desk.post(f"{draft}/try", **FILLED, to=f"{EMAIL}, ann@example.org", like="jane@example.com", number="1")
    page = answer.text
    assert answer.status_code == 200 and f"A test is on its way to {EMAIL}, ann@example.org." in page
    assert 'value="2026-07-01"' in page and 'value="17:45"' in page and 'value="jane@example.com"' in page
    assert f'value="{EMAIL}, ann@example.org"' in page
    for one in (EMAIL, "ann@example.org"):
        (mail,) = inbox(one)
        assert "Hello Jane" in text(mail)


@pytest.mark.parametrize(("typed", "told"), [
    ({"to": "nobody"}, "is no e-mail address. Nothing was sent."),
    ({"like": "nobody@example.com"}, "None of your readers has the address “nobody@example.com”. Nothing was sent."),
    ({"like": "<b>"}, "None of your readers has the address “<b>”. Nothing was sent."),
])  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_is_lost(
    desk: Desk, draft: str, inbox: Inbox, typed: dict[str, str], told: str
) -> None:
    answer = desk.post(f"{draft}/try", **{**FILLED, **typed}, number="1")
    assert answer.status_code == 422 and inbox(EMAIL) == []
    assert told in desk.told(f"{draft}/try", **{**FILLED, **typed}, number="1") and 'value="17:45"' in answer.text


def test_it_is_filled_in_like_whom_i_looked_at_last(desk: Desk, draft: str, article: int) -> None:
    assert 'name="like" value=""' in desk.get(draft)
    desk.get(f"/owner/articles/{article}?subscriber=1")
    assert 'name="like" value="jane@example.com"' in desk.get(draft)
    desk.get(f"/owner/articles/{article}")
    assert 'name="like" value=""' in desk.get(draft)


def test_a_second_press_of_one_page_sends_nothing_more(desk: Desk, draft: str, inbox: Inbox) -> None:
    desk.post(f"{draft}/try", number="1")
    assert "on its way already" in desk.told(f"{draft}/try", number="1")
    assert len(inbox(EMAIL)) == 1 and 'name="number" value="2"' in desk.get(draft)


def test_what_does_not_wait_any_more_is_not_tried(desk: Desk, draft: str, inbox: Inbox) -> None:
    desk.post(f"{draft}/cancel")
    assert "It is cancelled already." in desk.told(f"{draft}/try", number="1")
    assert inbox(EMAIL) == []
