"""One line an event, and nothing of a person in it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from newsletter.links import Purpose, Signer
from newsletter.log import Unfailing, scrubbed
from newsletter.settings import ROOT

TOKENS = [Signer(b"k" * 40).token(purpose, 1, 2) for purpose in Purpose]


def _said(script: str) -> list[dict[str, Any]]:
    """What a process of ours writes to its log."""
    head = "import logging, threading, structlog\nfrom newsletter.log import configure\nconfigure()\n"
    run = subprocess.run([sys.executable, "-c", head + script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.stdout == ""
    return [json.loads(line) for line in run.stderr.splitlines()]


def test_a_line_end_in_a_value_makes_no_second_line() -> None:
    ours, theirs = _said(
        """structlog.get_logger().warning("a\\nb", value="c\\r\\nd\\u2028e")\n"""
        """logging.getLogger("some.library").error("f\\n%s", "g\\nh")\n"""
    )
    assert (ours["event"], ours["value"], ours["level"]) == ("a\nb", "c\r\nd\u2028e", "warning")
    assert (theirs["event"], theirs["logger"], theirs["level"]) == ("f\ng\nh", "some.library", "error")


def test_an_error_is_told_by_its_kind_and_its_places_however_it_is_told() -> None:
    script = """
def broken(person):
    raise ValueError(f"no such person: {person}\\nor is there? http://u:secretpw@h/x /confirm/AAAAAAAAAAEAAAAAakTzMF")

try:
    broken("jane@example.com")
except ValueError:
    structlog.get_logger().exception("ours")
    logging.getLogger("celery").exception("theirs")
threading.Thread(target=broken, args=("jane@example.com",)).start()
import warnings; warnings.warn("for jane@example.com")
broken("jane@example.com")
"""
    lines = _said(script)
    errors = [line for line in lines if "error" in line]
    assert len(errors) == 4 and len(lines) == 5
    for line in errors:
        assert line["error"] == "ValueError" and line["through"][-1].endswith(" broken")
    told = json.dumps(lines)
    for kept_out in ("jane@", "secretpw", "AAAAAAAAAAE", "Traceback", "raise ValueError"):
        assert kept_out not in told


def test_a_statement_that_fails_is_told_without_its_values() -> None:
    (line,) = _said(
        """
from sqlalchemy import text
from newsletter.db import Database
try:
    with Database("sqlite://").transaction() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "Jane Doe of Cannon Street"})
except Exception:
    structlog.get_logger().exception("could not store")
"""
    )
    assert "INSERT INTO nowhere" in line["says"] and "Jane Doe" not in json.dumps(line)


@pytest.mark.parametrize("token", TOKENS)
def test_a_link_is_told_as_its_kind_and_a_bare_token_not_at_all(token: str) -> None:
    assert scrubbed(f"GET https://news.example.org/unsubscribe/{token}?x=1 HTTP") == (
        "GET https://news.example.org/unsubscribe/...?x=1 HTTP"
    )
    assert token not in scrubbed(f"csrf {token}, again")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("to <jane.o'hara+x@example.com>: 550", "to <[address]>: 550"),
        ("to jane@bücher.example, bob@example.com", "to [address], [address]"),
        ("redis://:s3cret@127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("/confirm/<token>", "/confirm/<token>"),
        ("campaign 17 of 2026-06-01T11:00:00", "campaign 17 of 2026-06-01T11:00:00"),
        (
            "newsletter.mail.ledger.batch_outcomes_of_a_long_name",
            "newsletter.mail.ledger.batch_outcomes_of_a_long_name",
        ),
    ],
)
def test_what_says_nothing_of_a_person_stays(text: str, told: str) -> None:
    assert scrubbed(text) == told


def test_a_long_value_is_cut() -> None:
    assert len(scrubbed("word " * 100_000)) <= 600


def test_a_full_disk_under_the_log_fails_nobody() -> None:
    with Path("/dev/full").open("w", buffering=1) as full:
        Unfailing(full).info("a line")
        Unfailing(full).error("another")
        full.buffer.raw.close()


def test_a_line_is_written(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w+") as log:
        Unfailing(log).error("a line")
        log.seek(0)
        assert log.read() == "a line\n"
