"""A mistake in a form is told on the page where the form stood, and leads to no other site."""

import re

import pytest
from werkzeug.test import TestResponse

from newsletter import articles
from newsletter.guides import Block, Guide, Kind, LandingPage
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.web.conftest import FIFTY, PAIN, Form, Visitor, forms
from tests.web.test_form_page import consent

HERE = "http://localhost"
OWN = f"/guides/{PAIN}"


def sent_from(told: str, visitor: Visitor, action: str = "/subscribe", **typed: str) -> TestResponse:
    """A form that was sent from a page of this site, whose browser tells so."""
    return visitor.browser.post(action, data={"email": "jane@", **typed}, headers={"Referer": f"{HERE}{told}"})


def mine(page: TestResponse, guide: str = PAIN) -> Form:
    return next(one for one in forms(page) if one.fields.get("guide") == guide)


def is_guides_page(page: TestResponse) -> bool:
    return 'id="get"' in page.text and f'id="{FIFTY}-form"' not in page.text


def ways_back(page: TestResponse) -> list[str]:
    return re.findall(r'<a href="([^"]*)">Back to what you were reading</a>', page.text)


def test_a_mistake_on_a_guides_page_stays_there_however_often(visitor: Visitor, runtime: Runtime) -> None:
    for wrong in ("jane@", "jane@@example.com"):
        page = sent_from(f"{OWN}?utm_source=x", visitor, guide=PAIN, first_name="Jane", newsletter="y", email=wrong)
        for _ in range(2):  # the second time it is sent from /subscribe
            assert page.status_code == 422 and is_guides_page(page)
            assert 'role="alert" tabindex="-1" autofocus' in page.text and f'id="{PAIN}-email-error"' in page.text
            form = mine(page)
            assert [form.fields[name] for name in ("email", "first_name", "newsletter")] == [wrong, "Jane", "y"]
            page = sent_from("/subscribe", visitor, **form.fields)
    assert visitor.send(form, email="jane@example.com").status_code == 303
    assert consent(runtime).page == OWN, "where it stood, not where it was sent from the last time"


def test_a_mistake_on_the_first_page_stays_there(visitor: Visitor) -> None:
    for told in ("/", "/guides", f"/guides/{FIFTY}"):  # that of another guide has no form of this one
        page = sent_from(told, visitor, guide=PAIN)
        assert page.status_code == 422 and f'id="{FIFTY}-form"' in page.text and 'id="get"' not in page.text
        assert mine(page).fields["email"] == "jane@" and mine(page, FIFTY).fields["email"] == ""
        assert mine(page).fields["page"] == told


def test_what_is_taken_back_behind_a_question_returns_to_its_page(visitor: Visitor) -> None:
    asked = sent_from(OWN, visitor, guide=PAIN, email="jane@example.com")
    page = visitor.browser.post("/subscribe", data=forms(asked)[1].fields)
    assert "correct" in forms(asked)[1].fields and page.status_code == 200 and is_guides_page(page)


def test_a_form_that_stands_twice_on_its_page_tells_its_errors_once(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        guide = session.query(Guide).filter_by(slug=PAIN).one()
        guide.landing = LandingPage(lead="", for_whom="", minutes=0, blocks=(Block(kind=Kind.FORM),)).as_json()
    page = sent_from(OWN, visitor, guide=PAIN)
    assert page.text.count('role="alert"') == 1 and page.text.count('aria-invalid="true"') == 2


def test_the_form_below_an_article_leads_back_to_it(visitor: Visitor, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        made = articles.write(session, NOON, title="Walk", subject="S", body="Words.")
        made.published_at = NOON
        path = f"/archive/{made.slug}"
    page = sent_from(f"{path}?utm_source=x", visitor, "/f/footer")
    for _ in range(2):
        assert page.status_code == 422 and ways_back(page) == [path]
        page = sent_from("/f/footer", visitor, "/f/footer", **forms(page)[0].fields)
    assert visitor.get(ways_back(page)[0]).status_code == 200
    assert ways_back(visitor.get("/f/footer")) == []


@pytest.mark.parametrize(
    ("told", "led"),
    [("https://evil.example/archive", []), ("//evil.example/archive", []), ("//archive", ["/archive"]),
     ("///topics/x", ["/topics/x"]), ("/\\evil.example", []), ("/\t/evil.example", []), ("javascript:alert(1)", []),
     (f"{HERE}@evil.example/", []), ("/nowhere", []), ("/owner/", []), ("/f/footer", []), ("/confirm/secret", []),
     ("http://[", []), ("/archive?next=//evil.example", ["/archive"]), ("/guides/%2f%2fevil.example", []),
     ("/topics/%C3%A4", ["/topics/%C3%A4"])],
)  # fmt: skip
def test_no_word_of_a_form_leads_elsewhere(told: str, led: list[str], visitor: Visitor) -> None:
    page = visitor.browser.post("/f/footer", data={"email": "jane@", "page": told})
    assert page.status_code == 422 and ways_back(page) == led
    again = visitor.browser.post("/subscribe", data={"email": "jane@", "guide": PAIN, "page": told})
    assert again.status_code == 422 and not is_guides_page(again)
