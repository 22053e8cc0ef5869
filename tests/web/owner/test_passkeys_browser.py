"""Passkeys in a real browser with a virtual device: made, used alone and behind the password, refused; axe as well."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, CDPSession, Page, expect
from werkzeug.serving import make_server

from newsletter.runtime import Runtime
from newsletter.settings import load
from tests import chromium
from tests.web.owner.conftest import EMAIL, PASSWORD
from tests.web.owner.test_browser import LOOKS, found_by_axe, signed_in

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.skipif(chromium.find() is None, reason="no Chromium on this machine"),
]


@pytest.fixture
def home(app: Flask, owner: int, runtime: Runtime) -> Iterator[str]:
    """The application on a free port, under the name that browsers take passkeys for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    runtime.settings = load({
        "DATA_DIR": str(runtime.settings.data_dir), "SECRET_KEY": "k" * 40, "PUBLIC_URL": f"http://127.0.0.1:{port}"
    })  # fmt: skip
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _device(page: Page, **wanted: Any) -> tuple[CDPSession, str]:
    """A device that keeps passkeys, and whose owner shows a finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True, **wanted,
    }})  # fmt: skip
    return session, str(made["authenticatorId"])


def _sound(page: Page) -> None:
    page.mouse.move(0, 0)  # a button that was just pressed is on its way from one colour to another
    page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
    assert found_by_axe(page) == "[]", page.title()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.title()


def _add(page: Page, home: str, name: str) -> None:
    page.goto(f"{home}/owner/passkeys")
    _sound(page)
    page.get_by_label("A name for it").fill(name)
    page.get_by_role("button", name="Add a passkey").click()


@LOOKS
def test_a_passkey_is_added_and_signs_in(browser: Browser, home: str, width: int, scheme: str) -> None:
    page = signed_in(browser, home, viewport={"width": width, "height": 900}, color_scheme=scheme)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    _device(page)
    _add(page, home, "Laptop")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    code = page.locator(".codes code").first.inner_text()
    _sound(page)
    _add(page, home, "The same again")
    expect(page.get_by_role("status").last).to_have_text("This device keeps a passkey for your account already.")
    _sound(page)
    page.get_by_role("button", name="More").click() if width < 700 else None
    page.get_by_role("button", name="Sign out").click()
    _sound(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/owner/")
    page.goto(f"{home}/owner/passkeys")
    expect(page.get_by_role("row", name="Laptop")).not_to_contain_text("never")
    _sound(page)
    _behind_the_password(page, home, code)
    page.goto(f"{home}/owner/passkeys")
    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".alert")).to_contain_text("your password alone lets you in now")
    _sound(page)
    assert errors == []
    page.context.close()


def _behind_the_password(page: Page, home: str, code: str) -> None:
    for way in ("passkey", "code"):
        page.context.clear_cookies()
        page.goto(f"{home}/owner/login")
        page.get_by_label("E-mail address").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
        _sound(page)
        if way == "code":
            page.get_by_label("Recovery code").fill(code)
            page.get_by_role("button", name="Sign in", exact=True).click()
        else:
            page.get_by_role("button", name="Use your passkey").click()
        page.wait_for_url("**/owner/")


def test_who_does_not_show_a_finger_or_has_no_key_gets_nowhere(browser: Browser, home: str) -> None:
    page = signed_in(browser, home)
    session, device = _device(page)
    _add(page, home, "Laptop")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{home}/owner/login")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": False})
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("status").last).to_contain_text("Nothing happened")
    session.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": True})
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/owner/")
    page.context.close()


def test_a_stolen_copy_with_an_older_counter_is_refused(browser: Browser, home: str) -> None:
    page = signed_in(browser, home)
    session, device = _device(page)
    _add(page, home, "Laptop")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    (kept,) = session.send("WebAuthn.getCredentials", {"authenticatorId": device})["credentials"]
    page.context.clear_cookies()
    page.goto(f"{home}/owner/login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/owner/")
    session.send("WebAuthn.removeCredential", {"authenticatorId": device, "credentialId": kept["credentialId"]})
    session.send("WebAuthn.addCredential", {"authenticatorId": device, "credential": {**kept, "signCount": 0}})
    page.context.clear_cookies()
    page.goto(f"{home}/owner/login")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator(".alert")).to_contain_text("may have been copied")
    page.context.close()


def test_at_a_number_and_without_a_script_the_page_says_what_to_do(browser: Browser, home: str) -> None:
    page = signed_in(browser, home.replace("localhost", "127.0.0.1"))
    page.goto(f"{home.replace('localhost', '127.0.0.1')}/owner/passkeys")
    expect(page.get_by_role("link", name=f"{home}/owner/passkeys")).to_be_visible()
    page.context.close()
    page = signed_in(browser, home)
    _device(page)
    _add(page, home, "Laptop")
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    page.context.close()
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{home}/owner/login")
    expect(plain.get_by_text("This needs a browser that runs JavaScript. Your password works without.")).to_be_visible()
    expect(plain.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    plain.context.close()
