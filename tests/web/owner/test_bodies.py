"""How large a request may be, and whose body is read at all."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from newsletter.web import front
from newsletter.web.bodies import FORM, LARGEST, TEXT, largest
from newsletter.web.front import owner_allowance, public_allowance
from tests.web.owner.conftest import Desk
from tests.web.test_front import scope


def _environ(client: FlaskClient, path: str) -> dict[str, Any]:
    cookie = client.get_cookie("session")
    carried = {"cookie": f"session={cookie.value}"} if cookie else {}
    return front.environment(scope(path=path, content_length="100", **carried))


def allowance(app: Flask, environ: dict[str, Any]) -> int:
    quick = public_allowance(app, environ)
    return owner_allowance(app, environ) if quick is None else quick


def test_of_a_stranger_the_owners_area_reads_nothing_but_the_sign_in(app: Flask) -> None:
    client = app.test_client()
    assert allowance(app, _environ(client, "/owner/articles/new")) == 0
    client.get("/owner/login")
    assert client.get_cookie("session"), "the sign-in form has a cookie too, but it is none of a session"
    assert allowance(app, _environ(client, "/owner/articles/new")) == 0
    assert allowance(app, _environ(client, "/owner/login")) == FORM


def test_whoever_was_signed_in_may_write_an_article_and_a_small_form(
    app: Flask, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert allowance(app, _environ(desk.client, "/owner/articles/new")) == TEXT
    assert allowance(app, _environ(desk.client, "/owner/settings/zone")) == FORM


def test_an_upload_needs_a_session_that_lives_and_an_article_is_given_back(
    app: Flask, desk: Desk, new_password: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LARGEST, "owner.guide_save", TEXT + 1)  # type: ignore[arg-type]
    assert allowance(app, _environ(desk.client, "/owner/guides/1")) == TEXT + 1
    new_password("another quite long password")
    assert allowance(app, _environ(desk.client, "/owner/guides/1")) == 0
    assert allowance(app, _environ(desk.client, "/owner/articles/new")) == TEXT, "what was typed is not lost"


def test_the_limits_name_routes_that_there_are(app: Flask) -> None:
    assert set(LARGEST) <= set(app.view_functions)
    assert largest("public.subscribe") == largest(None) == FORM


def test_too_much_is_told_on_a_page(client: FlaskClient) -> None:
    told = client.post("/subscribe", data={"email": "a" * FORM})
    assert told.status_code == 413
    assert "larger than any form" in told.text


def test_an_article_of_two_hundred_thousand_letters_of_any_alphabet_is_taken(desk: Desk) -> None:
    words = {"title": "Long", "subject": "Long", "preheader": "", "topic": "", "body": "字" * 199_990}
    assert desk.post("/owner/articles/new", follow=False, **words).status_code == 303
