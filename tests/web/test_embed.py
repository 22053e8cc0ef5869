"""Forms on other sites: the script, the iframe, and JSON with what browsers ask before they hand it over."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from ipaddress import IPv6Address
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.test import TestResponse

from newsletter import brand, forms, web
from newsletter.clock import FixedClock
from newsletter.forms import Form
from newsletter.runtime import Runtime, build
from newsletter.settings import load
from newsletter.smtp import SentList
from newsletter.subscribers import Consent, Subscriber
from newsletter.web.security import limiter
from newsletter.wordings import Wording
from tests.conftest import InlineTrigger
from tests.web.conftest import FIFTY, PAIN, Visitor, solved
from tests.web.conftest import forms as forms_of

Inbox = Callable[[str], list[EmailMessage]]
BLOG = "http://localhost:8026"
PAGE = f"{BLOG}/back-pain.html"


def post(visitor: Visitor, slug: str = PAIN, origin: str = BLOG, **told: object) -> TestResponse:
    """What the script sends."""
    return visitor.browser.post(f"/embed/{slug}", json=told, headers={"Origin": origin})


def proof(visitor: Visitor, slug: str = PAIN) -> str:
    """What it makes before."""
    return solved(visitor.browser.get(f"/embed/{slug}.json", headers={"Origin": BLOG}).json["challenge"])


def people(runtime: Runtime) -> int:
    """How many there are."""
    with runtime.database.reading() as session:
        return session.scalar(select(func.count(Subscriber.id))) or 0


@pytest.fixture
def public(runtime: Runtime) -> Flask:
    """The application on a public host, whose owner has a blog."""
    with runtime.database.transaction() as session:
        brand.current(session).sites = "https://blog.example.org"
    settings = load({"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40,
                     "PUBLIC_URL": "https://news.example.org/mail"})  # fmt: skip
    rt = build(settings, database=runtime.database, clock=runtime.clock, transport=runtime.transport)
    return web.create(rt, InlineTrigger(rt))


@pytest.mark.parametrize("slug", [PAIN, FIFTY, "footer"])
def test_the_script_is_small_and_names_nobody_but_us(slug: str, visitor: Visitor) -> None:
    answer = visitor.browser.get(f"/embed/{slug}.js", headers={"Accept-Encoding": "gzip"})
    assert answer.mimetype == "text/javascript" and answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) <= 6000
    code = gzip.decompress(answer.data).decode()
    told = json.loads(code[code.rindex("})({") + 3 : code.rindex(',"')])
    assert told["slug"] == slug
    for name in ("page", "send", "challenge", "privacy"):
        assert told[name].startswith("http://localhost/")
    assert "cookie" not in code.replace("no cookie", "") and "eval" not in code and "innerHTML" not in code
    assert "Set-Cookie" not in answer.headers
    again = visitor.browser.get(f"/embed/{slug}.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_an_owners_words_cannot_end_the_script(visitor: Visitor, runtime: Runtime) -> None:
    nasty = '</script>"); alert(1); ("\\u2028 ${x}'
    with runtime.database.transaction() as session:
        form = forms.named(session, PAIN)
        assert form is not None
        form.headline = nasty
    code = visitor.get(f"/embed/{PAIN}.js").text
    told = json.loads(code[code.rindex("})({") + 3 : code.rindex(',"')])
    assert told["headline"] == form.headline
    assert "\u2028" not in code


def test_a_robots_post_alone_mails_nobody(visitor: Visitor, runtime: Runtime, sent: SentList) -> None:
    for told in ({}, {"proof": "x"}, {"proof": None}, {"proof": "9" * 40}):
        answer = post(visitor, email="jane@example.com", **told)
        assert (answer.status_code, answer.json["state"]) == (403, "proof")
    assert people(runtime) == 0 and sent.envelopes == []


def test_the_scripts_form_signs_up(visitor: Visitor, runtime: Runtime, inbox: Inbox) -> None:
    answer = post(visitor, email="jane@example.com", first_name="Jane", newsletter=True, page=PAGE, website="",
                  proof=proof(visitor))  # fmt: skip
    assert answer.status_code == 200
    assert answer.json == {"state": "done", "title": "Check your inbox", "next": None,
                           "text": "We have sent you an e-mail. Open it and follow its link."}  # fmt: skip
    assert answer.headers["Access-Control-Allow-Origin"] == BLOG and "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers and "Set-Cookie" not in answer.headers
    assert len(inbox("jane@example.com")) == 1
    with runtime.database.reading() as session:
        kept = session.scalars(select(Consent).options(joinedload(Consent.wording))).one()
    assert (kept.form, kept.guide, kept.newsletter, kept.page) == (PAIN, PAIN, True, PAGE)
    assert "newsletter. I can leave at any time." in kept.wording.words


def test_errors_are_told_by_their_fields(visitor: Visitor, runtime: Runtime) -> None:
    answer = post(visitor, email="jane", first_name="x" * 300, proof=proof(visitor))
    assert answer.status_code == 422 and set(answer.json["errors"]) == {"email", "first_name"}
    assert people(runtime) == 0


def test_nobody_agrees_to_words_that_lay_in_a_cache(visitor: Visitor, runtime: Runtime, inbox: Inbox) -> None:
    code = visitor.get(f"/embed/{PAIN}.js").text
    told = json.loads(code[code.rindex("})({") + 3 : code.rindex(',"')])
    with runtime.database.transaction() as session:
        form = forms.named(session, PAIN)
        assert form is not None
        form.consent_words = "We may ring you too."
    sent = {"email": "jane@example.com", "proof": proof(visitor)}
    answer = post(visitor, **sent, agreed=told["agreed"])
    assert answer.status_code == 422 and "has changed" in answer.json["text"] and answer.json["errors"] == {}
    assert answer.json["consent"].endswith("We may ring you too.") and people(runtime) == 0
    assert post(visitor, **sent, agreed=answer.json["agreed"]).json["state"] == "done"
    with runtime.database.reading() as session:
        assert session.scalars(select(Wording.words).join(Consent)).one() == answer.json["consent"]


def test_everybody_gets_the_same_answer(visitor: Visitor, person: Callable[..., int]) -> None:
    person("jane@example.com")
    answers = [post(visitor, email=email, proof=proof(visitor)) for email in ("jane@example.com", "new@example.com")]
    assert answers[0].data == answers[1].data


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'"x"', b"{", b"[" * 60_000, b"\xff\xfe", b'{"email": {"a": 1}, "token": [1]}',
     b'{"email": null}', b'{"email": ["a@example.com"]}', b'{"email": "\\ud800@example.com"}', b'{"email": 1e999}',
     b'{"email": "a\\u0000@example.com"}'],
)  # fmt: skip
def test_no_body_is_an_error_of_ours(body: bytes, visitor: Visitor, runtime: Runtime) -> None:
    answer = visitor.browser.post(f"/embed/{PAIN}", data=body, content_type="application/json")
    assert answer.status_code in (400, 403, 422) and answer.json["state"] in ("error", "proof")
    assert people(runtime) == 0


def test_a_body_that_is_too_large_is_told_as_json(visitor: Visitor) -> None:
    answer = visitor.browser.post(f"/embed/{PAIN}", data=b" " * 70_000, content_type="application/json")
    assert answer.status_code in (400, 413) and answer.json["state"] == "error"


STRANGERS = ("https://evil.example", "https://blog.example.org.evil.example", "http://blog.example.org",
             "https://blog.example.org:8443", "https://news.example.org.evil.example", "https://127.0.0.1.nip.io",
             "http://localhost:8026", "file://", "https://blog.example.org/", "x\ty")  # fmt: skip


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_strangers_site_gets_no_answer_that_it_could_read(origin: str, public: Flask, runtime: Runtime) -> None:
    client = public.test_client()
    for answer in (
        client.options(f"/mail/embed/{PAIN}", headers={"Origin": origin, "Host": "news.example.org"}),
        client.get(f"/mail/embed/{PAIN}.json", headers={"Origin": origin, "Host": "news.example.org"}),
        client.post(f"/mail/embed/{PAIN}", json={}, headers={"Origin": origin, "Host": "news.example.org"}),
    ):
        told = answer.headers.get("Access-Control-Allow-Origin")
        if origin == "https://blog.example.org/":  # no browser writes it so; it is the owner's all the same
            assert told in (None, "https://blog.example.org")
            continue
        assert answer.status_code == 403 and told is None
    assert people(runtime) == 0


def test_the_owners_site_is_asked_in(public: Flask, runtime: Runtime) -> None:
    headers = {"Origin": "https://blog.example.org", "Host": "news.example.org"}
    client = public.test_client()
    before = client.options(f"/mail/embed/{PAIN}", headers=headers)
    assert before.status_code == 204
    assert before.headers["Access-Control-Allow-Origin"] == "https://blog.example.org"
    assert before.headers["Access-Control-Allow-Headers"] == "Content-Type"
    fresh = solved(client.get(f"/mail/embed/{PAIN}.json", headers=headers).json["challenge"])
    done = client.post(f"/mail/embed/{PAIN}", json={"email": "jane@example.com", "proof": fresh}, headers=headers)
    assert done.json["state"] == "done" and people(runtime) == 1
    code = client.get(f"/mail/embed/{PAIN}.js", headers={"Host": "news.example.org"}).text
    assert f'"https://news.example.org/mail/embed/{PAIN}"' in code


def test_only_the_owners_sites_may_frame_it(public: Flask, visitor: Visitor) -> None:
    page = public.test_client().get(f"/mail/embed/{PAIN}", headers={"Host": "news.example.org"})
    assert page.status_code == 200 and "X-Frame-Options" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://human-movement.com https://blog.example.org")
    assert "unsafe" not in policy
    assert "http://localhost:*" in visitor.get(f"/embed/{PAIN}").headers["Content-Security-Policy"]
    for other in ("/", f"/f/{PAIN}", f"/guides/{PAIN}"):
        assert "frame-ancestors 'none'" in visitor.get(other).headers["Content-Security-Policy"]
        assert visitor.get(other).headers["X-Frame-Options"] == "DENY"


def test_the_iframes_form_signs_up_and_gives_back_what_is_wrong(
    visitor: Visitor, inbox: Inbox, clock: FixedClock, sent: SentList
) -> None:
    form = forms_of(visitor.browser.get(f"/embed/{PAIN}", headers={"Referer": PAGE}))[0]
    wrong = visitor.send(form, email="jane", first_name="Jane")
    assert wrong.status_code == 422 and 'id="email-error"' in wrong.text
    again = forms_of(wrong)[0]
    assert (again.fields["email"], again.fields["first_name"], again.fields["page"]) == ("jane", "Jane", PAGE)
    alone = visitor.browser.post(again.action, data={**again.fields, "email": "jane@example.com"})
    assert alone.status_code == 200 and "so we ask you to" in alone.text and sent.envelopes == []
    done = visitor.browser.post(again.action, data=forms_of(alone)[0].fields, headers={"Origin": "null"})
    assert done.status_code == 200 and "Check your inbox" in done.text
    assert len(inbox("jane@example.com")) == 1
    proven = visitor.send(again, email="joan@example.com")
    assert "Check your inbox" in proven.text, "with the proof of its script at once"
    assert len(inbox("joan@example.com")) == 1


def test_where_it_was_seen_is_told_once_a_minute_and_only_of_the_owners_sites(
    visitor: Visitor, runtime: Runtime, clock: FixedClock
) -> None:
    def seen() -> list[Any]:
        with runtime.database.reading() as session:
            return [(one.origin, one.seen_at) for every in forms.sightings(session).values() for one in every]

    for page in ("https://evil.example/", "http://localhost/owner/forms/1", "nonsense", ""):
        visitor.browser.get(f"/embed/{PAIN}.js", headers={"Referer": page})
    assert seen() == []
    start = clock.now()
    visitor.browser.get(f"/embed/{PAIN}.js", headers={"Referer": PAGE})
    clock.forward(timedelta(seconds=30))
    visitor.browser.get(f"/embed/{PAIN}", headers={"Referer": PAGE})
    assert seen() == [(BLOG, start)]
    clock.forward(timedelta(seconds=30))
    visitor.browser.get(f"/embed/{PAIN}", headers={"Referer": PAGE})
    assert seen() == [(BLOG, clock.now())]


def test_a_closed_form_leaves_the_page_alone_that_still_shows_it(visitor: Visitor, runtime: Runtime) -> None:
    fresh = proof(visitor)
    with runtime.database.transaction() as session:
        form = session.scalars(select(Form).where(Form.slug == PAIN)).one()
        form.archive(runtime.clock.now())
    script = visitor.get(f"/embed/{PAIN}.js")
    assert script.status_code == 200 and script.text == "/* This form is closed. */"
    frame = visitor.get(f"/embed/{PAIN}")
    assert frame.status_code == 410 and "takes no sign-ups any more" in frame.text
    assert "X-Frame-Options" not in frame.headers, "it is said inside the page that shows it"
    answer = post(visitor, email="jane@example.com", proof=fresh)
    assert answer.status_code == 410 and "takes no sign-ups" in answer.json["text"] and people(runtime) == 0
    assert visitor.get("/embed/nothing").status_code == 404
    assert post(visitor, slug="nothing").json["state"] == "error"


def test_a_client_that_sends_too_often_is_told_in_the_forms_own_way(runtime: Runtime) -> None:
    limiter.enabled = True
    try:
        client, ip = web.create(runtime, InlineTrigger(runtime)).test_client(), str(IPv6Address(uuid4().int))
        env: Any = {"environ_base": {"REMOTE_ADDR": ip}}
        first = [client.post("/embed/footer", json={"email": "x"}, **env).status_code for _ in range(5)]
        others = [client.post("/f/footer", data={"email": "x"}, **env).status_code for _ in range(5)]
        told = client.post("/embed/footer", json={"email": "x"}, **env)
        framed = client.post("/embed/footer", data={"email": "jane@example.com"}, **env)
    finally:
        limiter.enabled = False
    assert first + others == [422] * 10, "all forms count together"
    assert told.status_code == 429 and told.json["state"] == "error" and told.headers["Retry-After"]
    assert framed.status_code == 429 and 'value="jane@example.com"' in framed.text
    assert "wait a minute" in framed.text and "10 per" not in framed.text
