"""The mail beside the text: what the renderer makes of it, seen as a reader would, and what is to be said of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from newsletter.brand import current
from newsletter.mail.render import Content, Reader
from newsletter.mail.render.article import compiled
from newsletter.runtime import Runtime
from newsletter.sequences import Step
from newsletter.subscribers import (
    FIRST_NAME,
    Field,
    FieldKind,
    Stream,
    Subscriber,
    all_fields,
    own_merge_fields,
    set_values,
)
from newsletter.web.owner.composer import _chips, _conditions
from tests.conftest import NOON
from tests.web.owner.conftest import Desk
from tests.web.owner.test_articles import revisions

BODY = '{{ greeting }},\r\n\r\n**walk**. ![A hill](/media/x.png)\r\n\r\n[Book](https://example.com "button")'


def asked(desk: Desk, **form: Any) -> dict[str, Any]:
    """What the composer's script gets for what is typed."""
    desk.post("/owner/settings/zone", zone="Europe/London")  # which finds the token
    words = {"subject": "On walking", "preheader": "One thing", "body": BODY, **form, "csrf_token": desk.token}
    answer = desk.client.post("/owner/articles/typed", data=words, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def test_it_is_exactly_what_the_renderer_makes_of_it(desk: Desk, runtime: Runtime) -> None:
    seen = asked(desk)
    with runtime.database.reading() as session:
        words = Content("On walking", "One thing", BODY.replace("\r\n", "\n"))
        mail = runtime.renderer.rendered(Stream.CAMPAIGN, current(session), Reader(0), words, {})
    assert (seen["html"], seen["text"], seen["subject"]) == (mail.html, mail.text, "On walking")
    assert seen["sender"].endswith(">")
    assert seen["problem"] == ""


def test_nothing_is_saved_and_no_text_that_is_typed_fills_the_cache(desk: Desk, runtime: Runtime, article: int) -> None:
    before = compiled.cache_info().currsize
    for number in range(30):
        asked(desk, article=article, body=f"{BODY} {number}")
    assert compiled.cache_info().currsize <= before + 1
    assert len(revisions(runtime, article)) == 1


def test_an_inbox_shows_the_preheader_and_then_how_the_mail_begins(desk: Desk) -> None:
    assert asked(desk)["inbox"].startswith("One thing ")
    assert "Hello, walk." in asked(desk, preheader="")["inbox"]
    assert "<" not in asked(desk, preheader="")["inbox"]


def test_in_the_dark_in_the_light_and_with_pictures_off(desk: Desk) -> None:
    html = asked(desk)["html"]
    assert "@media (prefers-color-scheme:dark)" in html
    assert asked(desk, scheme="dark")["html"] == html.replace("(prefers-color-scheme:dark)", "all")
    assert asked(desk, scheme="light")["html"] == html.replace("(prefers-color-scheme:dark)", "not all")
    bare = asked(desk, pictures="off")["html"]
    assert "/media/x.png" not in bare
    assert 'alt="A hill"' in bare


def test_as_a_reader_by_address_by_name_and_by_what_was_found_before(
    desk: Desk, runtime: Runtime, person: Callable[..., int]
) -> None:
    jane = person("jane@example.com", "Jane")
    person("joe@example.com")
    with runtime.database.transaction() as session:
        field = Field(key="town", label="Town", fallback="your town", created_at=NOON)
        session.add(field)
        session.flush()
        set_values(session, jane, {field: "Hull"})
    body = "{{ greeting }} of {{ fields.town }}."
    for form in ({"reader": "jane@example.com"}, {"reader": "Jane"}, {"subscriber": str(jane), "reader": "x"}):
        seen = asked(desk, body=body, **form)
        assert "Hello Jane of Hull." in seen["html"]
        assert seen["reader"] == {"id": str(jane), "told": "Jane (jane@example.com)"}
    assert "Hello of your town." in asked(desk, body=body)["html"]
    assert asked(desk, reader="joe@example.com")["reader"]["told"] == "joe@example.com"
    assert asked(desk, reader="<b>nobody</b>")["reader"] == {
        "id": "", "told": "Nobody’s address or name holds “<b>nobody</b>”.",
    }  # fmt: skip


def test_no_link_is_of_the_person_it_is_shown_for(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    jane = person("jane@example.com", "Jane")
    seen = asked(desk, subscriber=str(jane), body="[x]({{ library_url }}) {{ unsubscribe_url }}")["html"]
    assert runtime.renderer.urls.library(jane) not in seen
    assert runtime.renderer.urls.library(0) in seen


def test_what_the_preflight_says_is_said_as_it_is_typed(desk: Desk) -> None:
    said = {one["name"]: one for one in asked(desk, body="Hi {{ first_name }} *|FNAME|*")["checks"]}
    assert said["Left over"]["level"] == "warning"
    assert said["Size"]["found"].endswith("kB of 100 kB; Gmail cuts off what is larger.")
    assert said["Text without a name"]["level"] == "told"


def test_what_can_be_no_mail_is_told_and_nothing_is_made_up(desk: Desk) -> None:
    seen = asked(desk, body="{{ frist_name }} ::: card")
    assert "Did you mean first_name?" in seen["problem"]
    assert "html" not in seen
    assert [one["level"] for one in seen["checks"] if one["name"] == "Text"] == ["block"]


def test_a_large_mail_says_how_large(desk: Desk) -> None:
    seen = asked(desk, body="word " * 30_000)
    assert seen["share"] > 1
    assert [one["level"] for one in seen["checks"] if one["name"] == "Size"] == ["block"]


@pytest.mark.parametrize(
    "form",
    [
        {"body": "<script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}}"}, {"body": "a\0b\ud7ff"},
        {"subject": "a\r\nBcc: x@example.com"}, {"body": "x" * 200_000}, {"body": ""}, {"subject": ""},
        {"subscriber": "9" * 40}, {"article": "x"}, {"scheme": "</style>"}, {"pictures": "<"}, {"topic": "none"},
        {"body": "{% if first_name %}"}, {"subject": "{{ brand.x.y }}"}, {"reader": "%" * 300},
    ],
)  # fmt: skip
def test_whatever_is_typed_is_answered(desk: Desk, form: dict[str, str]) -> None:
    seen = asked(desk, **form)
    html = seen.get("html", "")
    assert "<script" not in html
    assert not re.search(r"<[^>]*onerror", html)
    assert "\n" not in seen.get("subject", "")
    assert "49" not in re.sub(r"#\w+|\d+px", "", html)


def test_a_hostile_name_stays_a_name(desk: Desk, runtime: Runtime, person: Callable[..., int]) -> None:
    eve = person("eve@example.com")
    with runtime.database.transaction() as session:  # past the form, which takes this for no name
        session.get_one(Subscriber, eve).first_name = "<script>x</script>{{7*7}}[x](javascript:1)"
    seen = asked(desk, subscriber=str(eve), subject="{{ first_name }}", body="{{ first_name }}")
    assert "<script>x" not in seen["html"]
    assert 'href="javascript' not in seen["html"]
    assert seen["subject"].startswith("<script>x")  # put in as text by the page


def test_without_a_script_a_button_fills_the_frame(desk: Desk) -> None:
    answer = desk.post("/owner/articles/typed", subject="S", body=BODY, scheme="dark")
    assert "walk" in answer.text
    assert "@media all" in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src" not in policy and "sandbox" in policy
    text = desk.post("/owner/articles/typed", subject="S", body=BODY, show="text")
    assert text.mimetype == "text/plain"
    assert "Book: https://example.com" in text.text
    refused = desk.post("/owner/articles/typed", subject="S", body="{{ x }}")
    assert (refused.status_code, refused.mimetype) == (422, "text/plain")


def test_the_frame_is_a_sandbox_in_which_one_script_runs(desk: Desk) -> None:
    answer = desk.client.get("/owner/articles/frame")
    policy = answer.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce and f'nonce="{nonce[1]}"' in answer.text
    assert "default-src 'none'" in policy
    assert "allow-same-origin" not in policy
    assert "sandbox allow-scripts" in policy
    assert answer.text.count("<script") == 1
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_in_a_series_it_may_name_the_guide(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.reading() as session:
        step = session.scalars(select(Step.article_id).order_by(Step.id)).first()
    seen = asked(desk, article=str(step), body="[PDF]({{ guide_pdf }})")
    assert seen["problem"] == ""
    assert "only there in the series" in asked(desk, body="[PDF]({{ guide_pdf }})")["problem"]
    told = {one["name"]: one["level"] for one in seen["checks"]}
    assert told["Text"] == told["Size"] == "good"


def test_the_chips_name_every_field_and_every_condition_can_be_read(desk: Desk, runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        session.add_all([
            Field(key="town", label="Town", fallback="your town", created_at=NOON),
            Field(key="plan", label="Plan", kind=FieldKind.CHOICE, choices=["Gold", "So-so"], created_at=NOON),
            Field(key="odd", label="Odd", kind=FieldKind.CHOICE, choices=['"', "%}"], created_at=NOON),
            Field(key="runs", label="Runs", kind=FieldKind.YES_NO, created_at=NOON),
        ])  # fmt: skip
        session.flush()
        own, conditions = own_merge_fields(session), dict(_conditions(all_fields(session)))
    assert list(_chips(own))[:2] == [(FIRST_NAME, "First name", "friend"), ("fields.town", "Town", "your town")]
    assert list(conditions) == [
        FIRST_NAME, "fields.town", "fields.plan", 'fields.plan == "Gold"', 'fields.plan == "So-so"', "fields.odd",
        "fields.runs",
    ]  # fmt: skip
    for condition in conditions:
        assert asked(desk, body=f"{{% if {condition} %}}\n\nx\n\n{{% endif %}}")["problem"] == ""
