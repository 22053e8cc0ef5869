"""What a start prepares, and what it refuses."""

import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter import brand
from newsletter.db import Database
from newsletter.links import Signer
from newsletter.mail.ledger import Message
from newsletter.mail.render import compiled_frame, frame_key
from newsletter.settings import ROOT, Settings, load
from newsletter.subscribers import Stream
from newsletter.supervisor import StartError
from newsletter.supervisor.prepare import prepare
from newsletter.theme import Look


def _settings(folder: Path, url: str, key: str) -> Settings:
    return load({"DATA_DIR": str(folder), "DATABASE_URL": url, "SECRET_KEY": key * 40})


def test_another_key_is_refused_until_somebody_says_that_it_is_meant(tmp_path: Path, database_url: str) -> None:
    first, second = _settings(tmp_path, database_url, "a"), _settings(tmp_path, database_url, "b")
    prepare(first)
    prepare(first)
    with pytest.raises(StartError, match="Put the old key back"):
        prepare(second)
    prepare(second, new_key=True)
    prepare(second)
    with pytest.raises(StartError):
        prepare(first)


def test_a_changed_key_is_taken_with_the_old_one_beside_it_which_may_not_get_lost(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    def settings(key: str, *old: str) -> Settings:
        known = ",".join(one * 40 for one in old)
        environ = {"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "SECRET_KEY_OLD": known}
        return load({**environ, "SECRET_KEY": key * 40})

    for good in (settings("a"), settings("b", "a"), settings("b", "a"), settings("c", "a", "b")):
        prepare(good)
    for lacking in (settings("c"), settings("c", "a"), settings("d", "a", "b")):
        with pytest.raises(StartError, match="SECRET_KEY_OLD"):
            prepare(lacking)
    with database.reading() as session:
        assert [key_print for _, key_print in brand.retired_keys(session)] == [
            Signer(key.encode() * 40).key_print for key in "ab"
        ]
    prepare(settings("d", "b"), new_key=True)  # a and c are lost
    prepare(settings("d", "b"))


def test_the_print_does_not_tell_the_key(tmp_path: Path, database: Database, database_url: str) -> None:
    settings = _settings(tmp_path, database_url, "a")
    prepare(settings)
    with database.reading() as session:
        told = brand.current(session).key_print
    assert len(told) == 32
    assert "a" * 8 not in told


def test_the_owner_is_told_once_of_a_language_that_has_no_catalogue(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    settings = _settings(tmp_path, database_url, "a")
    prepare(settings)
    with database.transaction() as session:
        assert session.scalars(select(Message.context).where(Message.stream == Stream.NOTICE)).all() == []
        brand.current(session).language = "de"
    prepare(settings)
    prepare(settings)
    with database.reading() as session:
        (told,) = session.scalars(select(Message.context).where(Message.stream == Stream.NOTICE))
        assert brand.current(session).language == "de", "what was chosen stays: a catalogue may come"
    assert told["action_path"] == "/owner/settings"
    assert "“de”, and there is no catalogue for it." in told["lines"][0] and "in English" in told["lines"][1]


def test_a_site_file_with_a_language_that_is_not_there_stops_the_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = brand.read_site(ROOT / "site.toml")
    site["brand"]["language"] = "de"
    monkeypatch.setattr(brand, "read_site", lambda path: site)
    with pytest.raises(StartError, match=r"site.toml, language: .*“de”. Choose one of these: en-GB, en"):
        prepare(_settings(tmp_path, f"sqlite:///{tmp_path}/new.sqlite3", "a"))


def test_a_theme_is_compiled_again_where_the_layout_is_another_one(
    tmp_path: Path, database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, look = _settings(tmp_path, database_url, "a"), Look(accent="#aa1122")

    def kept() -> tuple[str, str]:
        with database.reading() as session:
            theme = brand.current(session).theme
            assert theme is not None and theme.look == look
            return theme.frame, theme.frame_key

    def told() -> int:
        with database.reading() as session:
            rows = session.scalars(select(Message).where(Message.stream == Stream.NOTICE))
            return sum("/owner/theme" in str(one.context) for one in rows)

    prepare(settings)
    with database.transaction() as session:
        brand.current(session).wear(look, "the last good one", "of an earlier version")
    monkeypatch.setitem(sys.modules, "mjml", None)
    prepare(settings)
    prepare(settings)
    assert kept() == ("the last good one", "of an earlier version") and told() == 1
    monkeypatch.undo()
    prepare(settings)
    folder = ROOT / "templates" / "email"
    assert kept() == (compiled_frame(folder, look), frame_key(folder, look)) and told() == 1
