"""Everyone's own time from the command line, and what the status of a campaign tells then, and of an A/B test."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from newsletter import campaigns
from newsletter.db import Database
from newsletter.subscribers import Status, Subscriber
from tests.cli.conftest import Command
from tests.conftest import NOON

WORDS = ("campaign", "send", "--subject", "Golf", "--body")
NEXT_YEAR = datetime.now(UTC).year + 1


@pytest.fixture
def body(tmp_path: Path, house: Database) -> str:
    """A text, and readers in Tokyo and in Honolulu."""
    known = {"status": Status.CONFIRMED, "newsletter": True, "created_at": NOON, "confirmed_at": NOON, "first_name": ""}
    rows = [
        known | {"email": f"{zone[:4].lower()}@example.com", "zone": zone}
        for zone in ("Asia/Tokyo", "Pacific/Honolulu")
    ]
    with house.transaction() as session:
        session.execute(insert(Subscriber), [one | {"email_key": one["email"]} for one in rows])
    file = tmp_path / "golf.md"
    file.write_text("{{ greeting }},\n\nturn both ways.\n")
    return str(file)


def test_it_goes_at_everyones_own_time_and_the_status_tells_when(command: Command, body: str, house: Database) -> None:
    told = command(*WORDS, body, "--at", f"{NEXT_YEAR}-06-02T09:00", "--own-time")
    assert told.exit_code == 0, told.output
    day = f"{datetime(NEXT_YEAR, 6, 2, tzinfo=UTC):%a %d %b}"
    assert (
        f"everyone's own {day} {NEXT_YEAR} 09:00 (the first {day} 01:00 BST, the last {day} 20:00 BST)" in told.output
    )
    id = told.output.split()[-1]
    status = json.loads(command("campaign", "status", id, "--json").output)
    assert status["own_time"] == {
        "local": f"{NEXT_YEAR}-06-02T09:00:00",
        "leaves": [
            {"at": f"{NEXT_YEAR}-06-02T00:00:00+00:00", "people": 1, "done": 0},
            {"at": f"{NEXT_YEAR}-06-02T19:00:00+00:00", "people": 1, "done": 0},
        ],
    }
    assert "own time" in command("campaign", "status", id).output
    with house.transaction() as session:
        begun = datetime(NEXT_YEAR, 6, 2, tzinfo=UTC)
        campaigns.launch_due(session, begun)
        campaigns.fill_next(session, begun)
    assert json.loads(command("campaign", "status", id, "--json").output)["own_time"] == status["own_time"]


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (("--at", "2026-12-01T09:00+01:00"), "without a zone"), ((), "without a zone"),
        (("--at", "soon"), "without a zone"),
        (("--at", "2020-01-01T09:00"), "That time has passed"), (("--at", "9999-12-31T23:00"), "without a zone"),
    ],
)  # fmt: skip
def test_what_is_no_local_time_is_refused(command: Command, body: str, at: tuple[str, ...], told: str) -> None:
    refused = command(*WORDS, body, "--own-time", *at)
    assert refused.exit_code == 2 and told in refused.output


@pytest.fixture
def many(house: Database, body: str) -> str:
    """And a hundred more."""
    known = {"status": Status.CONFIRMED, "newsletter": True, "created_at": NOON, "confirmed_at": NOON, "first_name": ""}
    named = [f"p{number}@example.com" for number in range(100)]
    with house.transaction() as session:
        session.execute(insert(Subscriber), [known | {"email": one, "email_key": one} for one in named])
    return body


def test_an_ab_test_does_not_go_at_everyones_own_time(command: Command, many: str) -> None:
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}T09:00"
    refused = command(*WORDS, many, "--own-time", "--at", day, "--subject-b", "Why", "--force")
    assert refused.exit_code == 1 and "goes out at one moment" in refused.output


def test_the_status_of_an_ab_test_tells_what_both_say(command: Command, many: str) -> None:
    a = command(*WORDS, many, "--subject-b", "Why", "--preheader-b", "Look", "--force").output.split()[-1]
    for id in (a, str(int(a) + 1)):
        contents = json.loads(command("campaign", "status", id, "--json").output)["contents"]
        assert [(one["part"], one["subject"], one["preheader"]) for one in contents] == [
            ("a", "Golf", ""), ("b", "Why", "Look"),
        ]  # fmt: skip
        assert all("turn both ways" in one["body"] for one in contents)
    assert "subject B  Why" in command("campaign", "status", a).output
