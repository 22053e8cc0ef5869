"""Whose request it is, and for which host."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from newsletter import web
from newsletter.runtime import Runtime, build
from newsletter.settings import load
from newsletter.subscribers import Consent
from tests.conftest import InlineTrigger
from tests.web.conftest import FIFTY, Visitor, forms

pytestmark = pytest.mark.sqlite_only

Site = Callable[..., Flask]


@pytest.fixture
def site(runtime: Runtime) -> Site:
    """Makes the application at an address: site("https://news.example.org", TRUSTED_PROXIES="10.0.0.0/8")."""

    def made(url: str = "https://news.example.org", **more: str) -> Flask:
        given = {"DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "PUBLIC_URL": url, **more}
        rt = build(load(given), database=runtime.database, clock=runtime.clock, transport=runtime.transport)
        return web.create(rt, InlineTrigger(rt))

    return made


def _asked(app: Flask, host: str, path: str = "/", **headers: str) -> int:
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers={**lines, "Host": host}).status_code


@pytest.mark.parametrize("host", ["news.example.org", "NEWS.example.org", "news.example.org:443", "news.example.org."])
def test_the_site_answers_for_its_own_name(site: Site, host: str) -> None:
    assert _asked(site(), host) == 200


FOREIGN = [
    "evil.example", "news.example.org.evil.example", "127.0.0.1", "localhost:8000", "", "news.example.org@evil.example",
    "xnews.example.org", "[::1]", "[", "a b", "é", "evil.example#news.example.org",
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_no_other_name_is_answered_and_the_words_say_what_to_do(site: Site, host: str) -> None:
    app = site()
    told = app.test_client().get("/owner/login", environ_overrides={"HTTP_HOST": host})
    assert told.status_code == 400
    assert "PUBLIC_URL" in told.text and "https://news.example.org/" in told.text
    assert told.mimetype == "text/plain"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "127.8.9.1", "LOCALHOST"])
def test_at_home_every_name_of_this_machine_is_its_own(site: Site, host: str) -> None:
    app = site("http://127.0.0.1:8000")
    assert _asked(app, host) == 200
    assert _asked(app, "rebound.example:8000") == _asked(app, "192.168.1.5:8000") == 400


def test_probes_may_ask_under_any_name(site: Site) -> None:
    assert _asked(site(), "10.0.0.17:8000", "/healthz") == _asked(site(), "a b", "/healthz") == 200
    assert _asked(site("https://example.org/news"), "10.0.0.17:8000", "/healthz") == 200


def test_the_name_that_a_visitor_used_counts_from_a_trusted_proxy_alone(site: Site) -> None:
    app = site(TRUSTED_PROXIES="127.0.0.1")
    assert _asked(app, "127.0.0.1:8000", X_Forwarded_Host="news.example.org") == 200
    assert _asked(app, "news.example.org", X_Forwarded_Host="evil.example") == 400
    stranger = app.test_client().get(
        "/", headers={"Host": "127.0.0.1:8000", "X-Forwarded-Host": "news.example.org"},
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )  # fmt: skip
    assert stranger.status_code == 400


def test_https_is_what_the_site_says_whatever_is_forged(site: Site) -> None:
    def kept(app: Flask, **headers: str) -> bool:
        answer = app.test_client().get("/", headers={"Host": "news.example.org", **headers})
        return "Strict-Transport-Security" in answer.headers

    assert kept(site())
    assert not kept(site("http://news.example.org"), **{"X-Forwarded-Proto": "https"})


@pytest.mark.parametrize(
    ("peer", "forwarded", "stored"),
    [
        ("192.0.2.7", "6.6.6.6", "192.0.2.7"),
        ("127.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("127.0.0.1", "2001:db8::9", "2001:db8::9"),
        ("127.0.0.1", "<script>", "127.0.0.1"),
        ("", "192.0.2.7", None),
        ("unix:", "192.0.2.7", None),
    ],
)
def test_the_consent_keeps_an_address_or_nothing(
    site: Site, runtime: Runtime, peer: str, forwarded: str, stored: str | None
) -> None:
    client = site("http://localhost:8000").test_client()
    form = forms(Visitor(client).get(f"/guides/{FIFTY}"))[0]
    who: Any = {"headers": {"X-Forwarded-For": forwarded}, "environ_base": {"REMOTE_ADDR": peer}}
    typed = {**form.fields, "email": "jane@example.com", "proof": Visitor(client).proof(form.challenge, **who)}
    assert client.post(form.action, data=typed, **who).status_code == 303
    with runtime.database.reading() as session:
        assert session.scalars(select(Consent.ip)).one() == stored
