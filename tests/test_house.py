"""The rules of the house that no other tool looks after."""

import ast
import re
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


def _calls(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


@pytest.mark.parametrize("path", BELOW, ids=_named)
def test_no_rule_reads_the_clock_or_commits(path: Path) -> None:
    for call in _calls(path):
        assert not re.search(r"(datetime\.(now|utcnow|today)|date\.today|time\.time)$", call), call
        assert not call.endswith(".commit"), call


@pytest.mark.parametrize("path", BELOW, ids=_named)
def test_below_the_doors_nobody_knows_flask_celery_or_redis(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not {name.split(".")[0] for name in names} & {"flask", "celery", "redis", "kombu", "werkzeug", "click"}


def _inner_imports(path: Path) -> list[int]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        inner.lineno
        for function in functions
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]


@pytest.mark.parametrize("path", CODE, ids=_named)
def test_imports_stand_at_the_top(path: Path) -> None:
    assert _inner_imports(path) == []


@pytest.mark.parametrize("path", [*CODE, *(ROOT / "tests").rglob("test_*.py")], ids=_named)
def test_a_file_is_named_after_what_it_holds_and_is_not_long(path: Path) -> None:
    assert path.stem not in SMELLS
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", CODE, ids=_named)
def test_a_function_does_not_go_on_for_more_than_thirty_lines(path: Path) -> None:
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert [one.name for one in functions if _lines(one) > 30] == []


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


@pytest.mark.parametrize("path", CODE, ids=_named)
def test_words_that_people_read_name_no_address_of_this_machine(path: Path) -> None:
    assert not re.search(r"/work/|/tmp/|/root/", path.read_text(encoding="utf-8"))


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
OURS = {
    node.name
    for path in CODE
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef)
}


@pytest.mark.parametrize("path", CODE, ids=_named)
def test_more_than_three_fields_are_given_by_name(path: Path) -> None:
    excused = MADE_FOR_EACH_MESSAGE.get(path.relative_to(ROOT).as_posix(), set())
    found = [
        f"{node.lineno}: {node.func.id}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in OURS - excused and len(node.args) > 3
    ]
    assert found == []
