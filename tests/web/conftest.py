"""A visitor's browser: opens pages, reads the forms on them, and presses their buttons."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import altcha
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from newsletter.languages import Languages
from newsletter.runtime import Runtime
from newsletter.web import robots
from tests import pseudo

FIFTY, PAIN = "exercise-at-50", "recover-from-pain"


HERE = Path(__file__).parent


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Try each page on one of the two databases, drawn from the test's name, where both are at hand.

    A door has no rule that differs between them: the rooms behind it are tested on both, and `test_fuzz` besets every
    route on PostgreSQL. What races here is marked `both_databases`.
    """
    ids = {one.nodeid for one in items}
    twice = [one for one in items if HERE in one.path.parents and not one.get_closest_marker("both_databases")]
    spared = [one for one in twice if _twin(one.nodeid) in ids and not _is_drawn(one.nodeid)]
    config.hook.pytest_deselected(items=spared)
    dropped = set(spared)
    items[:] = [one for one in items if one not in dropped]


def _twin(nodeid: str) -> str:
    """The same test on the other database; the same name where it has none."""
    name = nodeid.replace("sqlite", "\0").replace("postgresql", "sqlite").replace("\0", "postgresql")
    return name if name != nodeid else ""


def _is_drawn(nodeid: str) -> bool:
    first, second = sorted((nodeid, _twin(nodeid)))
    return nodeid == (first, second)[crc32(first.encode()) % 2]


@dataclass
class Form:
    """A form on a page: where it goes and what it would send untouched."""

    action: str
    fields: dict[str, Any] = field(default_factory=dict)
    """A text; of several under one name a list."""
    challenge: str = ""
    """Where our script asks what it has to prove."""


class _Forms(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        seen = dict(attrs)
        if tag == "form":
            self.found.append(Form(seen.get("action") or "", challenge=seen.get("data-challenge") or ""))
        elif tag == "input" and self.found and (seen.get("type") != "checkbox" or "checked" in seen):
            fields, name, value = self.found[-1].fields, str(seen.get("name")), seen.get("value") or ""
            many = seen.get("type") in ("checkbox", "hidden") and name in fields
            fields[name] = (
                [*([fields[name]] if isinstance(fields[name], str) else fields[name]), value] if many else value
            )


def solved(challenge: dict[str, Any]) -> str:
    """A challenge and its solution, as ALTCHA writes them."""
    asked = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    return altcha.Payload(asked, solution).to_base64()


def forms(page: TestResponse) -> list[Form]:
    """The forms of a page, in order."""
    return _Forms(page.text).found


@dataclass
class Visitor:
    """One person at one browser."""

    browser: FlaskClient

    def get(self, url: str) -> TestResponse:
        """Open a page or a file, and read it to its end."""
        return self.browser.get(url, buffered=True)

    def press(self, url: str, number: int = 0, **changes: str) -> TestResponse:
        """Open a page, fill in its form, and send it."""
        return self.send(forms(self.get(url))[number], url, **changes)

    def send(self, form: Form, url: str = "", **changes: Any) -> TestResponse:
        """Send a form as it is but for these changes, with the proof that our script makes for it."""
        proof = {"proof": self.proof(form.challenge)} if form.challenge else {}
        return self.browser.post(form.action or url, data={**form.fields, **proof, **changes})

    def proof(self, challenge: str, **more: Any) -> str:
        """What our script makes of a challenge from there. `more`: who asks."""
        return solved(self.browser.get(challenge, **more).json["challenge"])

    def subscribe(self, email: str = "jane@example.com", guide: str = FIFTY, **changes: str) -> TestResponse:
        """Send the box on a guide's page."""
        return self.press(f"/guides/{guide}", email=email, **changes)


@pytest.fixture(scope="session")
def several_languages(tmp_path_factory: pytest.TempPathFactory) -> Languages:
    """English, Esperanto and Hebrew."""
    return pseudo.languages(tmp_path_factory.mktemp("locale"))


@pytest.fixture
def spoken(runtime: Runtime, several_languages: Languages) -> Runtime:
    """A newsletter in English that could be in others."""
    runtime.languages = several_languages
    runtime.renderer = replace(runtime.renderer, languages=several_languages)
    return runtime


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    """Jane, without cookies so far."""
    return Visitor(client)


@pytest.fixture
def another(app: Flask) -> Callable[[], Visitor]:
    """Makes another browser."""
    return lambda: Visitor(app.test_client())


@pytest.fixture
def link(runtime: Runtime, inbox: Callable[[str], list[EmailMessage]]) -> Callable[..., str]:
    """The newest link to a page of this kind in somebody's inbox, as a path: link("confirm")."""

    def newest(kind: str, email: str = "jane@example.com") -> str:
        for message in reversed(inbox(email)):
            part = message.get_body(("plain",))
            assert part is not None
            for word in reversed(part.get_content().split()):
                if word.startswith(f"{runtime.settings.site}/{kind}/"):
                    return urlsplit(word).path
        raise AssertionError(f"no link to {kind} in the mails to {email}")

    return newest


@pytest.fixture
def jane(visitor: Visitor, link: Callable[..., str]) -> Visitor:
    """Jane, who signed up for the second guide and the newsletter, and confirmed."""
    assert visitor.subscribe(first_name="Jane", newsletter="y").status_code == 303
    assert visitor.press(link("confirm")).status_code == 303
    return visitor


@pytest.fixture(autouse=True)
def _abroad(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that everybody reaches, where a form's page alone proves nothing. At home: `test_one_more_press`."""
    monkeypatch.setattr(robots, "is_home", lambda: False)
