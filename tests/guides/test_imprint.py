"""Who answers for a guide comes from site.toml; what is empty there is shown as empty."""

import copy
import io
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from pypdf import PdfReader

from newsletter.guides import inspect
from tests.guides.conftest import ROOT, SITE

FILLED = {
    "author": "Zoë Rowan", "credentials": "BSc (Hons) Sport Rehabilitation", "reviewer": "Dr Ada Pym",
    "reviewer_credentials": "MRCGP", "reviewed": "March 2026", "review_due": "March 2028",
}  # fmt: skip


def _imprint_page(pdf: bytes) -> str:
    """The one page of it that says what edition it is."""
    pages = (" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(pdf)).pages)
    (found,) = [page for page in pages if "This edition:" in page]
    return found


def test_a_new_install_says_in_the_book_what_is_the_owners_to_fill_in(book_path: Path) -> None:
    said = _imprint_page(book_path.read_bytes())
    assert "Not filled in yet, and for the owner of this guide to say: who wrote it" in said
    assert "Written by" not in said and f" {SITE['brand']['author']} " not in said
    assert inspect(book_path).unfilled == tuple(FILLED)


def test_what_is_filled_in_stands_there_and_nothing_is_left_to_say(
    guide: dict[str, Any], build_script: ModuleType, tmp_path: Path
) -> None:
    site = copy.deepcopy(SITE)
    site["edition"] |= FILLED
    with tempfile.TemporaryDirectory() as fonts:
        build_script.collect_fonts(Path(fonts))
        pdf, _ = build_script.compile_book(guide["slug"], site, Path(fonts))
    said = _imprint_page(pdf)
    assert all(words in said for words in FILLED.values()) and "Not filled in" not in said
    (tmp_path / "guide.pdf").write_bytes(pdf)
    seen = inspect(tmp_path / "guide.pdf")
    assert (seen.unfilled, seen.pages) == ((), guide["pages"])


def test_no_chapter_names_the_person() -> None:
    chapters = sorted((ROOT / "guides").glob("*/*.typ"))
    assert chapters
    assert [path.name for path in chapters if "brand.author" in path.read_text(encoding="utf-8")] == []
