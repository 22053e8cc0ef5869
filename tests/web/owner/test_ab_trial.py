"""Before an A/B test begins its owner tries A, B, or both."""

from collections.abc import Callable
from email.message import EmailMessage

import pytest

from newsletter.runtime import Runtime
from newsletter.subscribers import Field
from tests.campaigns.conftest import people
from tests.conftest import NOON
from tests.web.owner.conftest import EMAIL, Desk
from tests.web.owner.test_trials import text

Inbox = Callable[[str], list[EmailMessage]]


@pytest.fixture
def test_of_subjects(desk: Desk, article: int, person: Callable[..., int]) -> int:
    """A draft of two subjects."""
    person("jane@example.com", "Jane")
    asked = {"compares": "subject", "ab_subject": "Why {{ first_name }} walks", "ab_preheader": "Look", "share": "40"}
    made = desk.post("/owner/campaigns/new", article=article, audience="", length="4", unit="hours", **asked)
    return int(made.request.path.rsplit("/", 1)[1])


@pytest.mark.parametrize(("part", "subjects"), [
    ("a", ["[Test] A word on walking"]), ("b", ["[Test] Why"]), ("both", ["[Test] A word on walking", "[Test] Why"]),
])  # fmt: skip
def test_i_get_what_i_chose(desk: Desk, test_of_subjects: int, inbox: Inbox, part: str, subjects: list[str]) -> None:
    told = desk.told(f"/owner/campaigns/{test_of_subjects}/try", part=part, number="1")
    assert f"A test is on its way to {EMAIL}." in told
    mails = inbox(EMAIL)
    found = sorted(" ".join(str(one["Subject"]).split()[: len(subjects[0].split())]) for one in mails)
    assert len(found) == len(subjects) and all(any(one.startswith(subject) for one in found) for subject in subjects)
    assert all("walk more" in text(one) for one in mails)


def test_a_double_click_sends_one_and_the_next_press_another(desk: Desk, test_of_subjects: int, inbox: Inbox) -> None:
    page = f"/owner/campaigns/{test_of_subjects}"
    desk.post(f"{page}/try", part="b", number="1")
    assert "on its way already" in desk.told(f"{page}/try", part="b", number="1")
    assert 'name="number" value="2"' in desk.get(page)
    desk.post(f"{page}/try", part="b", number="2")
    assert len(inbox(EMAIL)) == 2


def test_a_subject_may_name_a_field_that_the_text_does_not(
    desk: Desk, article: int, runtime: Runtime, person: Callable[..., int], inbox: Inbox
) -> None:
    person("jane@example.com")
    with runtime.database.transaction() as session:
        session.add(Field(key="town", label="Town", created_at=NOON))
    asked = {"compares": "subject", "ab_subject": "In {{ fields.town | default('town') }}", "share": "40"}
    made = desk.post("/owner/campaigns/new", article=article, audience="", length="4", unit="hours", **asked)
    desk.post(f"{made.request.path}/try", part="b", number="1")
    (mail,) = inbox(EMAIL)
    assert mail["Subject"] == "[Test] In town"


def test_what_is_no_part_or_no_test_is_not_there(desk: Desk, test_of_subjects: int) -> None:
    assert desk.post(f"/owner/campaigns/{test_of_subjects}/try", part="c").status_code == 404
    assert desk.post("/owner/campaigns/999/try", part="a").status_code == 404


def test_nothing_goes_where_nothing_may(desk: Desk, test_of_subjects: int, inbox: Inbox) -> None:
    told = desk.told(f"/owner/campaigns/{test_of_subjects}/try", part="both", number="1", to="no address")
    assert "is no e-mail address. Nothing was sent." in told and inbox(EMAIL) == []


def test_the_page_of_a_test_offers_one_moment_only(desk: Desk, test_of_subjects: int, runtime: Runtime) -> None:
    people(runtime, 100)
    page = desk.read(f"/owner/campaigns/{test_of_subjects}")
    assert "An A/B test goes out at one moment" in page and "each reader gets it when" not in page
    own = {"when": "own", "day": "2026-06-03", "clock": "09:00", "accept": "y"}
    assert "An A/B test goes out at one moment" in desk.told(f"/owner/campaigns/{test_of_subjects}/schedule", **own)
