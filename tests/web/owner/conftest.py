"""Paula runs the newsletter; her desk is a browser in which she has signed in by the page itself."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from newsletter import accounts, articles, credentials, sequences
from newsletter.credentials import Way
from newsletter.guides import Guide
from newsletter.runtime import Runtime
from newsletter.sequences import Enrollment, Sequence
from newsletter.smtp import SentList, SmtpResult, Stage
from newsletter.subscribers import Subscriber, retag

EMAIL, PASSWORD = "paula@example.org", "a long enough password"


def readable(page: str) -> str:
    """A page's text as a person reads it: no tags, single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


@dataclass
class Desk:
    """A browser and the one who sits before it."""

    client: FlaskClient
    token: str = field(default="", init=False)

    def get(self, path: str) -> str:
        """The page at this path, which must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def read(self, path: str) -> str:
        """The page's words."""
        return readable(self.get(path))

    def post(self, path: str, follow: bool = True, **form: object) -> TestResponse:
        """Send a form with the token that its page holds."""
        if not self.token:
            found = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get("/owner/settings").text)
            assert found is not None
            self.token = found[1]
        return self.client.post(path, data={"csrf_token": self.token, **form}, follow_redirects=follow)

    def told(self, path: str, **form: object) -> str:
        """What the page after a form says."""
        return readable(self.post(path, **form).text)


def sign_in(
    client: FlaskClient, password: str = PASSWORD, email: str = EMAIL, path: str = "/owner/login", **env: str
) -> TestResponse:
    """Fill in the sign-in page and send it."""
    page = client.get(path, environ_overrides=env).text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    form = {"csrf_token": found[1], "email": email, "password": password}
    return client.post(path, data=form, environ_overrides=env)


@pytest.fixture
def owner(runtime: Runtime) -> int:
    """Paula, in London."""
    with runtime.database.transaction() as session:
        return accounts.create(session, EMAIL, PASSWORD, runtime.clock.now()).id


@pytest.fixture
def desk(app: Flask, owner: int) -> Desk:
    """Paula's browser, signed in."""
    client = app.test_client()
    assert sign_in(client).status_code == 303
    return Desk(client)


@pytest.fixture
def article(runtime: Runtime) -> int:
    """A text with every variable that a campaign can fill in."""
    with runtime.database.transaction() as session:
        return articles.write(
            session, runtime.clock.now(), title="On walking", subject="A word on walking",
            body="{{ greeting }},\n\nwalk **more**. [Your page]({{ library_url }})\n",
        ).id  # fmt: skip


@pytest.fixture
def enrolled(runtime: Runtime, person: Callable[..., int]) -> Callable[..., int]:
    """Puts a person into the series of the first guide and gives the enrollment's id."""

    def started(email: str, first_name: str = "") -> int:
        id = person(email, first_name)
        with runtime.database.transaction() as session:
            sequence = session.scalars(select(Sequence).order_by(Sequence.id)).first()
            assert sequence is not None
            enrollment = sequences.enroll(
                session, session.get_one(Subscriber, id), sequence, "Europe/London", runtime.clock.now()
            )
            assert isinstance(enrollment, Enrollment)
            return enrollment.id

    return started


@pytest.fixture
def runners(person: Callable[..., int], runtime: Runtime) -> tuple[int, int, int]:
    """Jane and Joe run; Joe takes no newsletter; Ann is not confirmed and runs."""
    ids = (
        person("jane@example.com"),
        person("joe@example.com", newsletter=False),
        person("ann@example.com", confirmed=False),
    )
    with runtime.database.transaction() as session:
        for id in ids:
            retag(session, id, ["runners"])
    person("bob@example.com")
    return ids


@pytest.fixture
def new_password(runtime: Runtime) -> Callable[[str], None]:
    """Gives Paula another password from outside her browser."""

    def changed(password: str) -> None:
        with runtime.database.transaction() as session:
            owner = accounts.first(session)
            assert owner is not None
            credentials.change_password(session, owner, password, runtime.clock.now(), way=Way.COMMAND)

    return changed


@pytest.fixture
def guide_id(runtime: Runtime) -> int:
    """The first guide of the house."""
    with runtime.database.reading() as session:
        found = session.scalars(select(Guide.id).order_by(Guide.position)).first()
        assert found is not None
        return found


def answering(sent: SentList, stage: Stage, code: int, enhanced: str, text: str) -> None:
    """From now on the servers answer so."""
    sent._answer = lambda envelope: SmtpResult(envelope.key, stage, code, enhanced, text, "mx.example.com:25", ".")
