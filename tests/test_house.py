"""The rules of the house that no other tool looks after."""

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from newsletter.settings import ROOT
from newsletter.subscribers import Stream

CODE = sorted((ROOT / "newsletter").rglob("*.py"))
DOORS = (
    "web", "cli", "supervisor", "mailbox", "throttle", "inbound", "app.py", "workers.py", "jobs.py", "clock.py",
    "preloaded.py",
)  # fmt: skip
BELOW = [path for path in CODE if path.relative_to(ROOT / "newsletter").parts[0] not in DOORS]
MAILS = sorted(path for path in (ROOT / "templates" / "email").iterdir() if path.is_dir())
SMELLS = {"utils", "helpers", "common", "manager", "misc"}


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def _offenders(paths: Iterable[Path], found_in: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """What each file has that it should not have. One test looks at all: thousands of small ones cost a minute."""
    found = {_named(path): list(found_in(path)) for path in paths}
    return {name: what for name, what in found.items() if what}


def _calls(path: Path) -> set[str]:
    return {ast.unparse(node.func) for node in _nodes(path) if isinstance(node, ast.Call)}


def test_no_rule_reads_the_clock_or_commits() -> None:
    forbidden = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|time\.time|\.commit)$")
    assert _offenders(BELOW, lambda path: filter(forbidden.search, _calls(path))) == {}


def _imported(path: Path) -> set[str]:
    names = [alias.name for node in _nodes(path) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in _nodes(path) if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names}


def test_below_the_doors_nobody_knows_flask_celery_or_redis() -> None:
    of_doors = {"flask", "celery", "redis", "kombu", "werkzeug", "click"}
    assert _offenders(BELOW, lambda path: _imported(path) & of_doors) == {}


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in _nodes(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _inner_imports(path: Path) -> list[int]:
    return [
        inner.lineno
        for function in _functions(path)
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


def test_imports_stand_at_the_top() -> None:
    assert _offenders(CODE, _inner_imports) == {}


def test_a_file_is_named_after_what_it_holds_and_is_not_long() -> None:
    every = [*CODE, *(ROOT / "tests").rglob("test_*.py")]
    assert [_named(path) for path in every if path.stem in SMELLS] == []
    assert {_named(path): lines for path in every if (lines := path.read_bytes().count(b"\n")) > 300} == {}


def test_a_function_does_not_go_on_for_more_than_thirty_lines() -> None:
    assert _offenders(CODE, lambda path: [one.name for one in _functions(path) if _lines(one) > 30]) == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines it has, without those of its docstring."""
    first = function.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    words = (first.end_lineno or first.lineno) - first.lineno + 1 if told else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - words


@pytest.mark.parametrize("mail", MAILS, ids=lambda path: path.name)
def test_every_mail_has_its_three_parts(mail: Path) -> None:
    assert {part.name for part in mail.iterdir()} == {"subject.txt", "text.txt", "html.html"}


def test_every_stream_has_its_words() -> None:
    written = {Stream.STEP, Stream.CAMPAIGN, Stream.TEST}
    assert {mail.name for mail in MAILS} == {str(stream) for stream in set(Stream) - written} | {"article"}


def test_words_that_people_read_name_no_address_of_this_machine() -> None:
    ours = re.compile(r"/work/|/tmp/|/root/")
    assert _offenders(CODE, lambda path: ours.findall(path.read_text(encoding="utf-8"))) == {}


MADE_FOR_EACH_MESSAGE = {
    "newsletter/mail/delivery.py": {"Envelope", "Outcome"},
    "newsletter/mail/outcomes.py": {"Outcome"},
    "newsletter/mail/ledger/batch_claims.py": {"ClaimedMessage", "Outcome"},
    "newsletter/mail/ledger/row_claims.py": {"ClaimedMessage"},
    "newsletter/mail/render/skeleton.py": {"RenderedMessage"},
    "newsletter/smtp/connection.py": {"SmtpResult"},
    "newsletter/smtp/settling.py": {"SmtpResult"},
}
"""Keywords would cost a campaign four hundredths of its processor time here."""


def _by_position(path: Path, ours: set[str]) -> list[str]:
    excused = MADE_FOR_EACH_MESSAGE.get(path.relative_to(ROOT).as_posix(), set())
    return [
        f"{node.lineno}: {node.func.id}"
        for node in _nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ours - excused and len(node.args) > 3
    ]


def test_more_than_three_fields_are_given_by_name() -> None:
    ours = {node.name for path in CODE for node in _nodes(path) if isinstance(node, ast.ClassDef)}
    assert _offenders(CODE, lambda path: _by_position(path, ours)) == {}
