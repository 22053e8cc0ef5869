"""The page of what there is: counts, sizes, and a backup for download."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsletter import backup
from newsletter.accounts import AuditEntry, OwnerSession
from newsletter.backup import Archive, BadBackup
from newsletter.db import Database
from newsletter.runtime import Runtime
from newsletter.web.owner import data
from tests.backup.conftest import use_its_programs
from tests.conftest import NOON
from tests.web.owner.conftest import PASSWORD, Desk, readable
from tests.web.owner.test_pictures import sent

PATH, DOWNLOAD = "/owner/data", "/owner/data/backup"


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """One with an address of its own: a backup asks where the file, or the server, is."""
    use_its_programs(database_url, monkeypatch)
    opened = Database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def unproven(desk: Desk, runtime: Runtime) -> Desk:
    """Paula's browser, in which the password was typed long ago."""
    desk.post("/owner/settings/zone")  # gets a token
    with runtime.database.transaction() as session:
        session.execute(update(OwnerSession).values(proven_at=NOON.replace(year=2020)))
    return desk


def _left(runtime: Runtime) -> list[str]:
    return [one.name for one in runtime.settings.data_dir.iterdir() if one.name.startswith(data.FOLDER)]


def _log(runtime: Runtime) -> list[str]:
    with runtime.database.reading() as session:
        return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action == data.DONE)))


def test_it_tells_what_there_is(desk: Desk, person: Callable[..., int], runtime: Runtime) -> None:
    person("jane@example.com")
    person("bob@example.com")
    desk.post("/owner/pictures", file=sent(), words="A field")
    page = desk.read(PATH)
    assert "People, those who have left too 2" in page and "Pictures 1" in page
    assert "None has been downloaded here yet" in page and ".venv/bin/newsletter backup newsletter-" in page
    assert 'href="/owner/subscribers/export.csv"' in desk.get(PATH)
    with runtime.database.reading() as session:
        sizes = backup.measure(runtime, session)
    media = sum(one.stat().st_size for one in (runtime.settings.data_dir / "media").rglob("*") if one.is_file())
    assert sizes.pictures == media > 0 and sizes.database > 100_000
    (runtime.guides.own).mkdir(parents=True, exist_ok=True)
    (runtime.guides.own / "mine.pdf").write_bytes(b"x" * 1000)
    with runtime.database.reading() as session:
        after = backup.measure(runtime, session)
    assert (after.pictures, after.guides) == (sizes.pictures, sizes.guides + 1000), "an own guide counts once"


@pytest.mark.both_databases
def test_a_backup_is_downloaded_behind_the_password_and_nothing_of_it_stays(
    unproven: Desk, runtime: Runtime, tmp_path: Path
) -> None:
    asked = unproven.post(DOWNLOAD)
    assert asked.status_code == 403 and "password_again" in asked.text and _log(runtime) == []
    answer = unproven.post(DOWNLOAD, password_again=PASSWORD)
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store" and "attachment" in answer.headers["Content-Disposition"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    (tmp_path / "got.zip").write_bytes(answer.data)
    answer.close()
    archive = Archive(tmp_path / "got.zip")
    assert archive.manifest.counts["owners"] == 1 and archive.read("secret_key") == runtime.secrets[0]
    archive.close()
    assert _left(runtime) == [] and _log(runtime) == [data.DONE]
    assert "Last downloaded here: just now ." in unproven.read(PATH)


def _fails(error: Exception) -> Callable[..., None]:
    def write(*_args: object) -> None:
        raise error

    return write


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "No backup was made: No space left on device"),
        (BadBackup("pg_dump is missing."), "No backup was made: pg_dump is missing."),
    ],
)
def test_what_stops_one_is_told(error: Exception, told: str, desk: Desk, runtime: Runtime,
                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(backup, "write", _fails(error))
    assert told in desk.told(DOWNLOAD)
    assert _left(runtime) == [] and _log(runtime) == []


def test_more_than_a_browser_is_given_is_for_the_command(
    desk: Desk, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "LARGEST", 1000)
    page = desk.get(PATH)
    assert "Download a backup" not in page and "the command takes any size" in readable(page)
    assert "too much for a browser" in desk.told(DOWNLOAD) and _log(runtime) == []


@pytest.fixture
def left_by_a_killed_process(runtime: Runtime) -> Path:
    """A folder with half of a backup, two hours old."""
    folder = runtime.settings.data_dir / f"{data.FOLDER}old"
    folder.mkdir()
    (folder / "backup.zip").write_bytes(b"half")
    os.utime(folder, (1, 1))
    return folder


def test_what_a_killed_process_left_is_removed(desk: Desk, left_by_a_killed_process: Path, runtime: Runtime) -> None:
    (runtime.settings.data_dir / f"{data.FOLDER}new").mkdir()
    with desk.post(DOWNLOAD) as answer:
        assert answer.mimetype == "application/zip"
    assert _left(runtime) == [f"{data.FOLDER}new"], "one that is being packed stays"
