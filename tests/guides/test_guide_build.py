"""The build: repeatable, strict about pages, and another owner's in one file."""

import subprocess
import sys
import tomllib
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
    "+44 20 7946 0958": "+44 1632 960123",
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


def test_building_again_gives_the_committed_bytes_and_tells_pages_and_sizes(tmp_path: Path) -> None:
    guides = tomllib.loads((ROOT / "site.toml").read_text(encoding="utf-8"))["guides"]
    built = run_build("--out", str(tmp_path))
    assert built.returncode == 0, built.stderr
    assert built.stdout.count("KiB") == 2 * len(guides)  # each as a PDF and for phones
    for guide in guides:
        assert f"{guide['slug']}.pdf  {guide['pages']} pages" in built.stdout
        for name in (f"{guide['slug']}.pdf", f"{guide['slug']}/read.html"):
            assert (tmp_path / name).read_bytes() == (ROOT / "static" / "guides" / name).read_bytes(), name


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
            text = "\n".join(page.extract_text() for page in book.pages).replace("\u200b", "")
            facts = f"{book.metadata}"
        assert "Northside Strength Rooms" in text
        assert "Northside Strength Rooms" in facts
        assert "hello@northside.example" in text
        for ours in ("Human Movement", "human-movement", "Cannon Street", "Paul"):
            assert ours not in text + facts


def mark(planned: int | None, page: int, words: str = "Bone") -> dict[str, Any]:
    return {"planned": planned, "page": page, "words": words}


def test_the_page_that_overflows_is_named(build_script: ModuleType) -> None:
    assert build_script.overflow([mark(2, 2), mark(None, 3), mark(4, 4)]) is None
    assert build_script.overflow([mark(2, 2), mark(4, 5), mark(5, 6)]) == (
        "page 3 overflows: “Bone” is planned for page 4 and opens on page 5"
    )
    assert build_script.overflow([mark(4, 3)]) == (
        "page 2 is too short: “Bone” is planned for page 4 and opens on page 3"
    )
