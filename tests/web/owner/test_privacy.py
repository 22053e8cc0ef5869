"""What an owner adds to the public privacy page."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from newsletter import brand
from newsletter.accounts import AuditEntry
from newsletter.clock import FixedClock
from newsletter.privacy import LONGEST
from newsletter.runtime import Runtime
from tests.web.owner.conftest import Desk, readable, sign_in

PATH, PUBLIC = "/owner/privacy", "/privacy"
TYPED = "Hosted by Example Ltd,\nhttps://example.org/privacy.\n\n\nAsk dpo@example.org."


def _text(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return brand.current(session).privacy_text


def _log(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "privacy text saved")))


def test_it_stands_below_our_words_in_paragraphs_with_links(desk: Desk, runtime: Runtime) -> None:
    before = desk.get(PUBLIC)
    assert "Human Movement adds" not in before
    assert "The privacy page says it now" in desk.told(PATH, base="0", body=TYPED)
    page = desk.client.application.test_client().get(PUBLIC).text
    words = before.partition('<div class="prose">')[2].partition("</div>")[0].rstrip()
    assert words in page and page.index(words) < page.index("What Human Movement adds")
    assert "<p>Hosted by Example Ltd,<br>" in page and page.count('href="https://example.org/privacy"') == 1
    assert 'href="mailto:dpo@example.org"' in page
    assert _log(runtime) == ["– → “Hosted by Example Ltd, https://example.org/privacy. Ask dpo@example.org.”"]
    for other in ("/cookies", "/terms"):
        assert "Hosted by" not in desk.get(other)
    assert "Nothing was different" in desk.told(PATH, base="1", body=f"\n{TYPED} ") and len(_log(runtime)) == 1
    assert "our words alone" in desk.told(PATH, base="1", body="")
    assert readable(desk.get(PUBLIC)) == readable(before) and _text(runtime) == ""


def test_no_word_of_it_is_markup(desk: Desk) -> None:
    evil = '<script>alert(1)</script> javascript:alert(1) https://x.example/"onclick="y {{ 7*7 }} <https://a.example/>'
    desk.post(PATH, base="0", body=evil)
    page = desk.get(PUBLIC)
    assert "<script>alert" not in page and 'href="javascript' not in page and "{{ 7*7 }}" in page
    assert '"onclick="' not in page and "<script>alert" not in desk.get(PATH)


@pytest.mark.both_databases
def test_of_two_tabs_the_second_is_told_and_loses_nothing(desk: Desk, runtime: Runtime) -> None:
    desk.post(PATH, base="0", body="Theirs")
    answer = desk.post(PATH, base="0", body="Mine")
    assert answer.status_code == 409 and _text(runtime) == "Theirs"
    assert "Theirs" in readable(answer.text) and "Mine</textarea>" in answer.text
    assert "says it now" in desk.told(PATH, base="1", body="Mine") and _text(runtime) == "Mine"


def test_what_is_too_long_is_told_and_stays_in_the_field(desk: Desk, runtime: Runtime) -> None:
    answer = desk.post(PATH, base="0", body="a" * (LONGEST + 1))
    assert answer.status_code == 422 and "20,000 are the most" in answer.text and "a" * (LONGEST + 1) in answer.text
    assert _text(runtime) == "" and 'id="body-error"' in answer.text
    assert desk.post(PATH, base="0", body="é" * LONGEST).status_code == 200, "letters take several octets"


def test_the_page_says_when_either_half_of_it_changed_last(desk: Desk, clock: FixedClock) -> None:
    def day() -> str:
        return readable(desk.client.application.test_client().get(PUBLIC).text).partition("Last changed on ")[2][:16]

    ours = day()
    clock.forward(timedelta(days=1000))
    assert day() == ours, "time passes by itself"
    sign_in(desk.client)
    desk.told(PATH, base="0", body=TYPED)
    assert day().startswith("25 February 2029"), "the owner's words are later"
