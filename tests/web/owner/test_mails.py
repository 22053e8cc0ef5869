"""The gallery of every mail."""

import re

from newsletter import web
from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.web.owner.mails import GALLERY
from tests.conftest import InlineTrigger
from tests.web.owner.conftest import EMAIL, PASSWORD, Desk


def test_every_mail_is_shown_as_html_and_text(desk: Desk) -> None:
    page = desk.get("/owner/mails")
    for name in GALLERY:
        answer = desk.client.get(f"/owner/mails/{name}.html")
        assert answer.status_code == 200, name
        assert answer.text.lstrip().startswith("<!doctype html>") or "<html" in answer.text[:200], name
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert f'src="/owner/mails/{name}.html?scheme=light"' in page
    assert page.count("<pre") == len(GALLERY)


def test_they_are_seen_in_the_dark_too(desk: Desk) -> None:
    dark = desk.get("/owner/mails?scheme=dark")
    assert "See them in the light" in dark and 'src="/owner/mails/confirm.html?scheme=dark"' in dark
    assert "@media all" in desk.get("/owner/mails/confirm.html?scheme=dark")
    light = desk.get("/owner/mails")
    assert "See them in the dark" in light and "@media not all" in desk.get("/owner/mails/confirm.html?scheme=light")
    assert "prefers-color-scheme" in desk.get("/owner/mails/confirm.html"), "a browser of its own asks its reader"


def test_on_a_public_site_they_are_for_whoever_is_signed_in(
    runtime: Runtime, trigger: InlineTrigger, owner: int
) -> None:
    runtime.settings = load({"PUBLIC_URL": "https://news.example.org", "SECRET_KEY": "k" * 40})
    client = web.create(runtime, trigger).test_client()
    there = "https://news.example.org"
    assert client.get("/owner/mails", base_url=there).status_code == 302
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/owner/login", base_url=there).text)
    assert found is not None
    form = {"csrf_token": found[1], "email": EMAIL, "password": PASSWORD}
    assert client.post("/owner/login", base_url=there, data=form, headers={"Referer": there}).status_code == 303
    for path in ("/owner/mails", "/owner/mails/confirm.html"):
        assert client.get(path, base_url=there).status_code == 200
    assert "Mail gallery" in client.get("/owner/settings", base_url=there).text
