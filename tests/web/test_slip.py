"""A domain that looks like a slip is asked about at every door, and nothing is stored or mailed before the answer."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from newsletter import brand
from newsletter.clock import FixedClock
from newsletter.mail_domains import DomainFault
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import FormMail, Subscriber
from newsletter.subscribers.address_change import AddressChange
from newsletter.web import robots
from tests.web.conftest import PAIN, Visitor, forms
from tests.web.test_address import Door, by_box, by_frame, by_own_page, by_plain_form

Inbox = Callable[[str], list[EmailMessage]]
TYPED, MEANT = "jane.D@gmial.com", "jane.D@gmail.com"
YES, NO = f"Yes, use {MEANT}", f"No, {TYPED} is right"
PAGES = [by_box, by_own_page, by_plain_form, by_frame]


@pytest.fixture
def nothing_yet(runtime: Runtime, sent: SentList) -> Callable[[], bool]:
    """Tells whether nothing was stored and nobody mailed."""

    def told() -> bool:
        with runtime.database.reading() as session:
            rows = [session.scalar(select(func.count(kind.id))) for kind in (FormMail, Subscriber, AddressChange)]
        return rows == [0, 0, 0] and sent.envelopes == []

    return told


def _press(visitor: Visitor, page: TestResponse, label: str) -> TestResponse:
    """The button of this name, with all that its form holds."""
    at = page.text.index(f">{label}<")
    form = forms(page)[page.text[:at].count("<form") - 1]
    return visitor.browser.post(form.action or page.request.path, data=form.fields)


@pytest.mark.both_databases
@pytest.mark.parametrize("door", PAGES)
@pytest.mark.parametrize(("label", "reached"), [(YES, MEANT), (NO, TYPED)], ids=["accept", "keep"])
def test_one_press_takes_it_and_one_keeps_what_was_typed(
    door: Door, label: str, reached: str, visitor: Visitor, nothing_yet: Callable[[], bool], inbox: Inbox,
    runtime: Runtime,
) -> None:  # fmt: skip
    page = door(visitor, TYPED)
    assert page.status_code == 200 and f"Did you mean {MEANT}?" in page.text and nothing_yet()
    answer = _press(visitor, page, label)
    assert answer.status_code == 303 or "Check your inbox" in answer.text
    assert len(inbox(reached)) == 1
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber)).one().first_name == "Jane", "what was typed beside it went along"


@pytest.mark.parametrize("door", [by_box, by_own_page, by_plain_form])
def test_what_was_typed_can_be_corrected(door: Door, visitor: Visitor, nothing_yet: Callable[[], bool]) -> None:
    page = _press(visitor, door(visitor, TYPED), "Correct what I typed")
    assert page.status_code == 200 and f'value="{TYPED}"' in page.text and 'value="Jane"' in page.text and nothing_yet()


@pytest.mark.parametrize("door", PAGES)
def test_a_domain_that_is_none_leaves_the_press_for_what_was_meant(
    door: Door, visitor: Visitor, runtime: Runtime, inbox: Inbox, nothing_yet: Callable[[], bool]
) -> None:
    class Nowhere:
        def fault(self, domain: str) -> DomainFault | None:
            return DomainFault.NO_DOMAIN if domain == "gmial.com" else None

    runtime.domains = Nowhere()
    page = door(visitor, TYPED)
    assert page.status_code == 422 and "There is no gmial.com." in page.text and nothing_yet()
    assert YES in page.text and NO not in page.text
    _press(visitor, page, YES)
    assert len(inbox(MEANT)) == 1


@pytest.mark.parametrize("door", PAGES)
def test_a_robot_is_thanked_and_other_faults_come_first(
    door: Door, visitor: Visitor, nothing_yet: Callable[[], bool]
) -> None:
    assert "Did you mean" not in door(visitor, "jane@ gmial.com").text
    late = visitor.press(f"/f/{PAIN}", email=TYPED, first_name="J" * 201)
    assert late.status_code == 422 and "Did you mean" not in late.text and "too long" in late.text
    assert visitor.press(f"/f/{PAIN}", email=TYPED, website="x").status_code == 303 and nothing_yet()


def test_a_press_too_soon_without_a_proof_asks_once_more_and_not_again_about_the_slip(
    visitor: Visitor, clock: FixedClock, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots, "LEAST_TIME", timedelta(seconds=1))
    page = _press(visitor, by_plain_form(visitor, TYPED), NO)
    assert "One more press" in page.text
    clock.forward(timedelta(seconds=1))
    form = forms(page)[0]
    assert "Check your inbox" in visitor.browser.post(form.action, data=form.fields).text
    assert len(inbox(TYPED)) == 1


def test_a_press_for_one_address_is_none_for_another(visitor: Visitor, sent: SentList) -> None:
    page = by_plain_form(visitor, TYPED)
    fields = {**forms(page)[0].fields, "email": "other@example.com"}
    assert "One more press" in visitor.browser.post(f"/f/{PAIN}", data=fields).text and sent.envelopes == []


def test_who_is_known_and_who_is_not_are_asked_alike(visitor: Visitor, person: Callable[..., int]) -> None:
    person("known@gmial.com"), person("meant@gmail.com")
    pages = [by_own_page(visitor, f"{name}@gmial.com") for name in ("known", "meant", "newly")]
    shown = {page.text.count("<form") for page in pages}
    assert {page.status_code for page in pages} == {200} and len(shown) == 1


def test_nothing_is_suggested_that_the_owner_refuses(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        brand.current(session).list_throwaway("gmail.com")
    assert by_own_page(visitor, TYPED).status_code == 303


def _json(visitor: Visitor, **told: Any) -> TestResponse:
    told = {"proof": visitor.proof(f"/embed/{PAIN}.json")} | told
    return visitor.browser.post(f"/embed/{PAIN}", json=told)


def test_the_script_is_told_both_and_its_proof_is_still_good(
    visitor: Visitor, inbox: Inbox, nothing_yet: Callable[[], bool]
) -> None:
    proof = visitor.proof(f"/embed/{PAIN}.json")
    answer = _json(visitor, email=TYPED, kept="", proof=proof)
    assert answer.status_code == 422 and nothing_yet()
    assert answer.json == {"state": "slip", "text": f"Did you mean {MEANT}?", "choices": [[YES, MEANT], [NO, TYPED]]}
    assert _json(visitor, email=TYPED, kept=TYPED, proof=proof).json["state"] == "done"
    assert len(inbox(TYPED)) == 1
    again = _json(visitor, email="joe@gmial.com", kept=TYPED)
    assert again.json["state"] == "slip", "another address is asked about by itself"


def test_a_script_from_a_cache_that_knows_no_slip_is_not_asked(visitor: Visitor, inbox: Inbox) -> None:
    assert _json(visitor, email=TYPED).json["state"] == "done"
    assert len(inbox(TYPED)) == 1


@pytest.mark.parametrize("kept", [None, 5, [], {}, "x" * 10_000, "\ud800"])
def test_no_word_about_it_breaks_the_door(kept: object, visitor: Visitor) -> None:
    assert _json(visitor, email=TYPED, kept=kept).json["state"] == "slip"


@pytest.mark.parametrize(("label", "reached"), [(YES, MEANT), (NO, TYPED)], ids=["accept", "keep"])
def test_a_readers_new_address_is_asked_about_too(
    label: str, reached: str, jane: Visitor, link: Callable[..., str], inbox: Inbox, runtime: Runtime
) -> None:
    page = jane.press(link("preferences"), address=TYPED, move="y")
    assert page.status_code == 200 and f"Did you mean {MEANT}?" in page.text
    with runtime.database.reading() as session:
        assert session.scalar(select(func.count(AddressChange.id))) == 0
    assert _press(jane, page, label).status_code == 303
    assert len(inbox(reached)) == 1
    assert jane.press(link("preferences"), address=TYPED, first_name="Jan").status_code == 303, "not its button"
