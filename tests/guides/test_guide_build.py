"""The build: repeatable, strict about pages, and another owner's in one file."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

ROOT = Path(__file__).resolve().parents[2]
OTHER_BRAND = {
    "Human Movement": "Northside Strength Rooms",
    '"Paul"': '"Alex"',
    "paul@human-movement.com": "hello@northside.example",
    "https://human-movement.com": "https://northside.example",
    "+44 020 7183 1164": "+44 1632 960123",
    "30 Cannon Street": "1 Example Row",
    "EC4M 6XH": "ZZ1 1ZZ",
}


def run_build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "guides" / "build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def changed_site(folder: Path, changes: dict[str, str]) -> Path:
    text = (ROOT / "site.toml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    site = folder / "site.toml"
    site.write_text(text, encoding="utf-8")
    return site


def test_building_again_gives_the_committed_bytes(tmp_path: Path, guide: dict[str, Any]) -> None:
    name = f"{guide['slug']}.pdf"
    for folder in ("one", "two"):
        assert run_build("--out", str(tmp_path / folder)).returncode == 0
    first = (tmp_path / "one" / name).read_bytes()
    assert first == (tmp_path / "two" / name).read_bytes()
    assert first == (ROOT / "static" / "guides" / name).read_bytes()


def test_prints_pages_and_size(tmp_path: Path, guide: dict[str, Any]) -> None:
    built = run_build("--out", str(tmp_path))
    assert f"{guide['slug']}.pdf  {guide['pages']} pages" in built.stdout
    assert "KiB" in built.stdout


def test_a_wrong_page_count_fails_and_leaves_the_old_file(tmp_path: Path) -> None:
    site = changed_site(tmp_path, {"pages = 21": "pages = 22"})
    old = tmp_path / "out" / "recover-from-pain.pdf"
    old.parent.mkdir()
    old.write_bytes(b"the edition before")
    built = run_build("--site", str(site), "--out", str(old.parent))
    assert built.returncode == 1
    assert "recover-from-pain: 21 pages, but site.toml says 22" in built.stderr
    assert old.read_bytes() == b"the edition before"
    assert (old.parent / "exercise-at-50.pdf").exists()


@pytest.mark.parametrize("text", ["[brand", "[brand]\nname = 'x'\n"])
def test_a_bad_site_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    site = tmp_path / "site.toml"
    site.write_text(text)
    built = run_build("--site", str(site), "--out", str(tmp_path))
    assert built.returncode == 1
    assert built.stderr.startswith("error: ")
    assert len(built.stderr.splitlines()) == 1


def test_another_owner_gets_the_books_under_their_own_name(tmp_path: Path) -> None:
    site = changed_site(tmp_path, OTHER_BRAND)
    built = run_build("--site", str(site), "--out", str(tmp_path))
    assert built.returncode == 0, built.stderr
    for path in tmp_path.glob("*.pdf"):
        with pypdf.PdfReader(path) as book:
            text = "\n".join(page.extract_text() for page in book.pages)
            facts = f"{book.metadata}"
        assert "Northside Strength Rooms" in text
        assert "Northside Strength Rooms" in facts
        assert "hello@northside.example" in text
        for ours in ("Human Movement", "human-movement", "Cannon Street", "Paul"):
            assert ours not in text + facts


def edge(kind: str, page: int, y: float, bottom: float = 0) -> dict[str, Any]:
    return {"kind": kind, "page": page, "y": y, "bottom": bottom}


def test_a_note_that_meets_a_wide_element_is_found(build_script: ModuleType) -> None:
    wide = [edge("wide-top", 4, 200), edge("wide-bottom", 4, 260)]
    assert build_script.find_collisions([edge("note", 4, 150, 210), *wide]) == [
        "page 4: a margin note meets a wide element 150 pt from the top"
    ]
    assert build_script.find_collisions([edge("note", 4, 150, 199), *wide]) == []
    assert build_script.find_collisions([edge("note", 5, 150, 210), *wide]) == []


def test_two_notes_that_meet_are_found(build_script: ModuleType) -> None:
    notes = [edge("note", 4, 150, 210), edge("note", 4, 200, 260)]
    assert len(build_script.find_collisions(notes)) == 2
