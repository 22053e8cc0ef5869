"""The stage: a database of each kind, a clock that stands, a transport that keeps, and the same few people."""

import gc
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import make_url, select
from sqlalchemy.pool import QueuePool

from newsletter import accounts, schema, seeds, web
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.fetch import Fetcher
from newsletter.mail.ledger import Lane
from newsletter.mail.render import Renderer
from newsletter.runtime import Runtime, build
from newsletter.sequences import Delay, Sequence
from newsletter.sequences.delay import Unit
from newsletter.settings import ROOT, Settings, load
from newsletter.smtp import SentList
from newsletter.subscribers import Status, Subscriber, read_address, register
from newsletter.web import robots
from newsletter.web.security import limiter
from newsletter.web.state import WebState
from tests import chromium, postgres

hypothesis.settings.register_profile("house", deadline=None, max_examples=100)
hypothesis.settings.load_profile("house")

NOON = datetime(2026, 6, 1, 11, 0, tzinfo=UTC)
"""A Monday in June, noon in London."""

# Hundreds of owners sign in here, each would cost a tenth of a second twice. The real cost: `tests/accounts`.
accounts.password._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
# Hundreds sign up here, on a clock that stands. The real work and the real time: `tests/web/test_robots.py`.
robots.LEAST_WORK, robots.MOST_WORK, robots.LEAST_TIME = 1, 2, timedelta(0)

# All that was imported stays: to look for circles among it again and again was a good part of the work of a process
# that runs four thousand tests.
gc.freeze()
gc.set_threshold(20_000, 20, 50)

for name in list(os.environ):  # the machine's own settings are not the tests'
    if name.lower() in Settings.model_fields:
        del os.environ[name]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, seeded SQLite file, copied for each test."""
    file = tmp_path_factory.mktemp("template") / "newsletter.sqlite3"
    _prepare(Database(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server for this run, with a migrated, seeded database `template_newsletter`."""
    try:
        with postgres.server() as url:
            with psycopg.connect(url, autocommit=True) as admin:
                admin.execute("DROP DATABASE IF EXISTS template_newsletter")
                admin.execute("CREATE DATABASE template_newsletter")
            _prepare(Database(_sqlalchemy_url(url, "template_newsletter")))
            yield url
    except postgres.NoPostgres as error:
        pytest.skip(f"PostgreSQL tests are skipped: {error}")


DELAYS = {"recover-from-pain": (2, 4, 5, 5, 5, 5, 5, 6), "exercise-at-50": (2, 5, 6, 6, 7, 6, 6, 6, 6, 6)}
"""Days between the mails of the planted series that the tests count with, whatever its texts say."""


def _prepare(database: Database) -> None:
    schema.upgrade(database)
    with database.transaction() as session:
        seeds.plant(session, ROOT, NOON)
        for sequence in session.scalars(select(Sequence)):
            for step, days in zip(sequence.current_steps, DELAYS[sequence.slug], strict=True):
                step.delay = Delay(days, Unit.DAYS)
    database.dispose()


def _sqlalchemy_url(url: str, name: str) -> str:
    head, _, query = url.partition("?")
    base = f"{head.rsplit('/', 1)[0]}/{name}".replace("postgresql://", "postgresql+psycopg://")
    return f"{base}?{query}" if query else base


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of what no database has a part in are not run on both kinds."""
    if "database_url" in metafunc.fixturenames and metafunc.definition.get_closest_marker("sqlite_only"):
        metafunc.definition.add_marker(pytest.mark.parametrize("database_url", ["sqlite"], indirect=True))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated, seeded database; every test that asks for one runs on both kinds."""
    if request.param == "sqlite":
        file = tmp_path / "newsletter.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    with copied(request.getfixturevalue("postgres_server")) as url:
        yield url


@contextmanager
def copied(server: str, template: str = "template_newsletter") -> Iterator[str]:
    """The URL of a copy of a database of this PostgreSQL server; it is gone afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        copy_database(admin, template, name)
    yield _sqlalchemy_url(server, name)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def copy_database(admin: psycopg.Connection, template: str, name: str) -> None:
    """Copy a database that nobody is connected to."""
    quick = " STRATEGY FILE_COPY" if admin.info.server_version >= 150000 else ""
    admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}{quick}")


@lru_cache(2)
def _shared(kind: str) -> tuple[Database, list[str]]:
    """One engine for all tests of a process: what SQLAlchemy compiles for one of them serves the next.

    Where it connects to stands in the list.
    """
    target: list[str] = []

    def connect() -> Any:
        url = make_url(target[0])
        args, named = opened.engine.dialect.create_connect_args(url)
        return opened.engine.dialect.connect(*args, **named)

    opened = Database(f"{kind}://", creator=connect, poolclass=QueuePool)
    return opened, target


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database, opened."""
    opened, target = _shared(make_url(database_url).drivername)
    target[:] = [database_url]
    opened.dispose()  # a late request of the test before may have connected to its database once more
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> FixedClock:
    """Monday noon, until the test moves on."""
    return FixedClock(NOON)


@pytest.fixture
def sent() -> SentList:
    """The transport: keeps what is sent, accepts everything."""
    return SentList()


@pytest.fixture
def runtime(database: Database, clock: FixedClock, sent: SentList, tmp_path: Path) -> Runtime:
    """A whole Runtime on these."""
    built = build(_settings(tmp_path), database=database, clock=clock, transport=sent)
    built.renderer = _renderer()
    built.fetcher = Fetcher(local=True, lookup=lambda *_: [])
    return built


def _settings(data_dir: Path) -> Settings:
    return load({"DATA_DIR": str(data_dir), "SECRET_KEY": "k" * 40, "PUBLIC_URL": "http://localhost:8000"})


@lru_cache(1)
def _renderer() -> Renderer:
    """It holds nothing of a test, and its templates are compiled once for all."""
    return build(_settings(Path("unused"))).renderer


@dataclass
class InlineTrigger:
    """Delivers at once, in this process."""

    runtime: Runtime

    def wake(self) -> None:
        """Deliver everything due in both lanes."""
        for lane in Lane:
            while self.runtime.delivery.run(lane):
                pass


@pytest.fixture
def trigger(runtime: Runtime) -> InlineTrigger:
    """Turn it to deliver."""
    return InlineTrigger(runtime)


@pytest.fixture
def app(runtime: Runtime, trigger: InlineTrigger) -> Iterator[Flask]:
    """The web application on the Runtime; limits for a client are off (tests of limits make an app of their own)."""
    made = _app()
    made.extensions["newsletter"] = WebState(runtime, trigger)
    config = dict(made.config)
    yield made
    made.extensions["newsletter"].close()
    made.config.clear()
    made.config.update(config)


@pytest.fixture
def limited(runtime: Runtime, trigger: InlineTrigger) -> Iterator[Flask]:
    """The application with its limits on, counted in memory; they remember for longer than a test lasts."""
    limiter.enabled = True
    made = _app(limited=True)
    made.extensions["newsletter"] = WebState(runtime, trigger)
    yield made
    limiter.enabled = False


@lru_cache(2)
def _app(*, limited: bool = False) -> Flask:
    """Made once, given each test's Runtime: its routes and templates take longer to compile than a test to run."""
    limiter.enabled = limited
    unused = build(_settings(Path("unused")))
    return web.create(unused, InlineTrigger(unused))


@pytest.fixture
def inbox(sent: SentList) -> Callable[[str], list[EmailMessage]]:
    """What has come to an address, oldest first, as a mail program reads it."""

    def read(email: str) -> list[EmailMessage]:
        came = [one.data for one in sent.envelopes if one.recipient == email]
        parsed = [message_from_bytes(data, policy=policy.default) for data in came]
        return [one for one in parsed if isinstance(one, EmailMessage)]

    return read


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def person(runtime: Runtime) -> Callable[..., int]:
    """Makes a subscriber and gives their id: person("jane@example.com", "Jane")."""

    def made(email: str, first_name: str = "", *, confirmed: bool = True, newsletter: bool = True) -> int:
        with runtime.database.transaction() as session:
            subscriber: Subscriber = register(session, read_address(email), runtime.clock.now(), first_name)
            if confirmed:
                subscriber.confirm(runtime.clock.now())
                subscriber.newsletter = newsletter
            assert subscriber.status is (Status.CONFIRMED if confirmed else Status.PENDING)
            session.flush()
            return subscriber.id

    return made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for the whole run: Playwright allows one loop in a process."""
    path = chromium.find()
    if path is None:
        pytest.skip("no Chromium is to be had (CHROMIUM, PATH, Playwright, Debian)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=chromium.arguments())
        yield opened
        opened.close()
