"""The gallery of every mail."""

from flask import Flask

from newsletter.runtime import Runtime
from newsletter.settings import load
from newsletter.web.owner.mails import GALLERY
from tests.web.owner.conftest import Desk


def test_every_mail_is_shown_as_html_and_text(desk: Desk) -> None:
    page = desk.get("/owner/mails")
    for name in GALLERY:
        answer = desk.client.get(f"/owner/mails/{name}.html")
        assert answer.status_code == 200, name
        assert answer.text.lstrip().startswith("<!doctype html>") or "<html" in answer.text[:200], name
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert f'src="/owner/mails/{name}.html"' in page
    assert page.count("<pre") == len(GALLERY)


def test_on_a_public_site_there_is_no_gallery(desk: Desk, app: Flask, runtime: Runtime) -> None:
    runtime.settings = load({"PUBLIC_URL": "https://news.example.org", "SECRET_KEY": "k" * 40})
    assert desk.client.get("/owner/mails").status_code == 404
    assert desk.client.get("/owner/mails/confirm.html").status_code == 404
    assert "Mail gallery" not in desk.read("/owner/")
