"""Fixtures of the books: the site's data, the built PDFs, and the two scripts as modules."""

import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdf
import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE: dict[str, Any] = tomllib.loads((ROOT / "site.toml").read_text(encoding="utf-8"))
SLUGS: list[str] = [guide["slug"] for guide in SITE["guides"]]


def load_script(name: str) -> ModuleType:
    """Import guides/<name>.py, which is a script and not part of a package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "guides" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    sys.path.insert(0, str(ROOT / "guides"))  # a script imports what lies beside it
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "guides"))
    return module


@pytest.fixture(scope="session")
def build_script() -> ModuleType:
    """guides/build.py as a module."""
    return load_script("build")


@pytest.fixture(scope="session")
def pdfua_script() -> ModuleType:
    """guides/pdfua.py as a module."""
    return load_script("pdfua")


@pytest.fixture(scope="session")
def reading_script() -> ModuleType:
    """guides/reading_age.py as a module."""
    return load_script("reading_age")


@pytest.fixture(scope="session", params=SLUGS)
def guide(request: pytest.FixtureRequest) -> dict[str, Any]:
    """One guide's entry in site.toml, each in turn."""
    return next(entry for entry in SITE["guides"] if entry["slug"] == request.param)


@pytest.fixture(scope="session")
def book_path(guide: dict[str, Any]) -> Path:
    """The committed PDF of that guide."""
    return ROOT / "static" / "guides" / f"{guide['slug']}.pdf"


@pytest.fixture(scope="session")
def book(book_path: Path) -> Iterator[pypdf.PdfReader]:
    """That PDF, opened."""
    with pypdf.PdfReader(book_path) as reader:
        yield reader
