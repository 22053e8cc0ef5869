"""Print the tests of the files changed in a working copy; `make check` runs them together with `ALWAYS`.

Changed means different from the merge base with the main branch, or uncommitted. Tests mirror the packages:
`newsletter/imports/rows.py` is tested by tests/imports/test_rows.py, or else by all of tests/imports.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
ALWAYS = ("tests/test_house.py", "tests/test_marked.py", "tests/test_settings.py")
OTHER_FOLDERS = {
    "templates/email": "tests/mail/render",
    "templates/owner": "tests/web/owner",
    "templates": "tests/web",
    "static": "tests/web",
    "migrations": "tests/test_migrations.py",
    "guides": "tests/guides",
    "deploy": "tests/test_deploy.py",
    "bench": "tests/test_bench.py",
}
"""Tests of files outside the package, longer paths first."""


def main() -> None:
    """Print the tests on one line."""
    found = sorted({test for file in _changed() for test in tests_of(Path(file))})
    if not found:
        print(
            "Nothing is changed: the rules of the house alone are tested. `make test` runs all tests.", file=sys.stderr
        )
    print(*dict.fromkeys((*ALWAYS, *found)))


def _changed() -> list[str]:
    base = _git("merge-base", "HEAD", "origin/main") or ["HEAD"]
    return [*_git("diff", "--name-only", base[0]), *_git("ls-files", "--others", "--exclude-standard")]


def _git(*arguments: str) -> list[str]:
    asked = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.splitlines() if asked.returncode == 0 else []


def tests_of(file: Path) -> Iterator[str]:
    """The tests of a file; none for documents and the like."""
    if file.parts[0] == "tests":
        place = file if file.name.startswith("test_") else file.parent
        if (ROOT / place).exists() and place != Path("tests"):
            yield str(place)
        return
    if file.parts[0] == "newsletter":
        yield from _of_module(Path(*file.parts[1:]))
        return
    for folder, tests in OTHER_FOLDERS.items():
        if file.is_relative_to(folder):
            own = ROOT / tests / f"test_{file.stem}.py"
            yield str(own.relative_to(ROOT)) if own.exists() else tests
            return


def _of_module(module: Path) -> Iterator[str]:
    own = sorted((TESTS / module.parent).glob(f"test_{module.stem}*.py"))
    if own:
        yield from (str(one.relative_to(ROOT)) for one in own)
        return
    room = TESTS / module.parent
    if module.parent != Path() and room.is_dir():
        yield str(room.relative_to(ROOT))


if __name__ == "__main__":
    main()
