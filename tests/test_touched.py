"""What `make check` runs: a file's own tests, or those of its room."""

import importlib.util
from pathlib import Path

import pytest

from newsletter.settings import ROOT

_spec = importlib.util.spec_from_file_location("touched", ROOT / "scripts" / "touched.py")
assert _spec is not None and _spec.loader is not None
touched = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(touched)


@pytest.mark.parametrize(
    ("file", "tests"),
    [
        ("newsletter/imports/rows.py", ["tests/imports/test_rows.py"]),
        ("newsletter/imports/gone.py", ["tests/imports"]),
        ("newsletter/zones.py", ["tests/test_zones.py"]),
        ("newsletter/web/owner/texts.py", ["tests/web/owner/test_texts.py", "tests/web/owner/test_texts_browser.py"]),
        ("templates/owner/texts.html", ["tests/web/owner/test_texts.py"]),
        ("templates/email/layout.mjml", ["tests/mail/render"]),
        ("migrations/versions/0001_start.py", ["tests/test_migrations.py"]),
        ("tests/imports/test_rows.py", ["tests/imports/test_rows.py"]),
        ("tests/imports/conftest.py", ["tests/imports"]),
        ("tests/conftest.py", []),
        ("docs/writing.md", []),
    ],
)
def test_tests_are_found_by_the_path_of_what_is_changed(file: str, tests: list[str]) -> None:
    assert list(touched.tests_of(Path(file))) == tests


def test_what_is_named_is_there_and_most_modules_have_tests_of_their_own() -> None:
    modules = [one.relative_to(ROOT) for one in (ROOT / "newsletter").rglob("*.py") if one.name != "__init__.py"]
    found = {module: list(touched.tests_of(module)) for module in modules}
    assert all((ROOT / test).exists() for tests in found.values() for test in tests)
    assert all((ROOT / test).exists() for test in (*touched.ALWAYS, *touched.OTHER_FOLDERS.values()))
    assert sum(map(bool, found.values())) > 0.9 * len(modules)
