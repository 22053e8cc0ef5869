"""Paula and Ed with their devices: what they ask for, send, and are told."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from newsletter import accounts
from newsletter.accounts import AuditEntry, Role
from newsletter.runtime import Runtime
from tests.accounts.device import Device
from tests.web.owner.conftest import PASSWORD, Desk, readable, sign_in

Inbox = Callable[[str], list[EmailMessage]]
"""What has come to an address."""


@dataclass
class Person:
    """Somebody of the team, their browser, and their device."""

    desk: Desk
    device: Device

    def asked(self) -> Any:
        """What their browser is to make."""
        return json.loads(self.desk.post("/owner/passkeys/options").text)

    def add(self, name: str = "Laptop", answer: str | None = None) -> str:
        """A passkey more; the page that follows."""
        given = self.device.made(self.asked()) if answer is None else answer
        return self.desk.told("/owner/passkeys/add", name=name, credential=given)


@pytest.fixture
def paula(desk: Desk) -> Person:
    return Person(desk, Device())


@pytest.fixture
def codes(paula: Person) -> list[str]:
    """Her recovery codes; her laptop has a passkey."""
    return re.findall(r"\b[a-z2-9]{5}-[a-z2-9]{5}\b", paula.add())


@pytest.fixture
def ed(app: Flask, runtime: Runtime) -> Person:
    """A viewer, with a passkey."""
    with runtime.database.transaction() as session:
        accounts.create(session, "ed@example.org", PASSWORD, runtime.clock.now(), role=Role.VIEWER)
    client = app.test_client()
    sign_in(client, email="ed@example.org")
    made = Person(Desk(client), Device())
    assert "recovery codes" in made.add()
    return made


def token_of(client: FlaskClient, page: str = "/owner/login") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found is not None
    return found[1]


def asked(client: FlaskClient, behind: str = "") -> Any:
    page = "/owner/login/code" if behind else "/owner/login"
    form = {"csrf_token": token_of(client, page), "behind": behind}
    return json.loads(client.post("/owner/login/passkey/options", data=form).text)


def send(client: FlaskClient, answer: str, behind: str = "", onward: str = "") -> TestResponse:
    page = "/owner/login/code" if behind else "/owner/login"
    form = {"csrf_token": token_of(client, page), "credential": answer, "behind": behind}
    return client.post("/owner/login/passkey" + onward, data=form)


def let_in(client: FlaskClient, device: Device, behind: str = "") -> str:
    """Sign in with a passkey: where that leads, or what the page says."""
    answer = send(client, device.signed(asked(client, behind)), behind)
    page = client.get(answer.location)
    return str(answer.location) if page.status_code == 200 and "/login" not in answer.location else readable(page.text)


def audited(runtime: Runtime) -> list[tuple[str, str]]:
    with runtime.database.reading() as session:
        rows = session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.id))
        return [(row[0], row[1]) for row in rows]
