"""Limits from the command line."""

import pytest

from tests.cli.conftest import Command


def test_limits_are_set_listed_and_lifted(command: Command) -> None:
    assert command("limit", "list").output == "Nothing is limited.\n"
    assert command("limit", "set", "--domain", "GMail.com", "100/hour").exit_code == 0
    assert command("limit", "set", "--domain", "bücher.example", "5/minute").exit_code == 0
    assert command("limit", "set", "--all", "1000/day").exit_code == 0
    assert command("limit", "set", "--relay", "127.0.0.1:2525", "10/second").exit_code == 0
    told = command("limit", "list").output
    for words in (
        "domain gmail.com",
        "100/hour",
        "xn--bcher-kva.example",
        "relay 127.0.0.1:2525",
        "just now: 1000/day",
    ):
        assert words in told
    assert command("limit", "remove", "--domain", "gmail.com").output == "Lifted: 1\n"
    assert "gmail.com" not in command("limit", "list").output
    assert command("limit", "remove", "--domain", "gmail.com").exit_code == 1


def test_a_warm_up_is_planned_and_ended(command: Command) -> None:
    assert "50, 100, 200 on days 1 to 3" in command("limit", "warmup", "50,100,200").output
    assert "just now: 50/day" in command("limit", "list").output
    assert command("limit", "warmup", "50,100", "--since", "2026-01-01").exit_code == 0
    assert "just now: no limit" in command("limit", "list").output
    assert command("limit", "remove", "--warmup").output == "Lifted: 2\n"
    assert "on days 1 to 12" in command("limit", "warmup").output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("set", "100/hour"), "Name one of"),
        (("set", "--all", "--domain", "example.com", "1/hour"), "Name one of"),
        (("set", "--domain", "not a domain", "1/hour"), "should be a domain"),
        (("set", "--relay", "mx:25", "1/hour"), "no relay of SMTP_URL; there is 127.0.0.1:2525"),
        (("set", "--all", "many"), "should read like 100/hour"),
        (("warmup", "5,x"), "should read like 50,100,200"),
        (("warmup", "9,5"), "none smaller"),
        (("warmup", "--since", "soon"), "ISO 8601"),
        (("remove", "--warmup", "--all"), "Name one of"),
    ],
)
def test_a_mistake_is_told(words: tuple[str, ...], why: str, command: Command) -> None:
    told = command("limit", *words)
    assert told.exit_code == 2
    assert why in " ".join(told.output.replace("│", " ").split())
