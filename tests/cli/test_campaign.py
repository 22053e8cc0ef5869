"""Campaigns from the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign
from newsletter.db import Database
from tests.cli.conftest import Command

WORDS = ("campaign", "send", "--subject", "Golf", "--body")


@pytest.fixture
def body(tmp_path: Path) -> str:
    file = tmp_path / "golf.md"
    file.write_text("{{ greeting }},\n\nturn both ways.\n")
    return str(file)


def test_the_last_word_printed_is_the_campaigns_id(command: Command, body: str, house: Database) -> None:
    told = command(*WORDS, body, "--at", "2026-12-01T09:00:00+01:00")
    assert told.exit_code == 0, told.output
    with house.reading() as session:
        made = session.get_one(Campaign, int(told.output.split()[-1]))
        assert made.scheduled_at == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
        assert (made.article.current.subject, made.state) == ("Golf", "scheduled")


def test_its_status_as_json_has_these_and_no_other_names(command: Command, body: str) -> None:
    id = command(*WORDS, body).output.split()[-1]
    status = json.loads(command("campaign", "status", id, "--json").output)
    assert status == {
        "state": "scheduled", "recipients": 0, "sent": 0, "deferred": 0, "failed": 0, "uncertain": 0, "cancelled": 0,
    }  # fmt: skip


def test_paused_resumed_and_called_off(command: Command, body: str, house: Database) -> None:
    id = command(*WORDS, body).output.split()[-1]
    with house.transaction() as session:
        campaigns.launch_due(session, datetime(2100, 1, 1, tzinfo=UTC))
    for verb, state in (("pause", "paused"), ("resume", "sending"), ("cancel", "cancelled")):
        assert f"is {state}" in command("campaign", verb, id).output
    assert command("campaign", "cancel", id).exit_code == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [(("--at", "tomorrow"), "ISO 8601"), (("--at", "2026-13-01"), "ISO 8601")],
)
def test_a_bad_time_is_told(more: tuple[str, ...], told: str, command: Command, body: str) -> None:
    seen = command(*WORDS, body, *more)
    assert seen.exit_code != 0 and told in seen.output


def test_a_text_that_cannot_be_filled_in_is_told_and_nothing_is_stored(
    command: Command, tmp_path: Path, house: Database
) -> None:
    (tmp_path / "bad.md").write_text("{{ nickname }}")
    seen = command(*WORDS, str(tmp_path / "bad.md"))
    assert seen.exit_code == 1 and "nickname" in seen.output
    with house.reading() as session:
        assert session.scalar(select(func.count(Campaign.id))) == 1, "only the seeds' draft"


def test_without_a_postal_address_nothing_goes(command: Command, body: str, house: Database) -> None:
    with house.transaction() as session:
        brand.current(session).address = ""
    seen = command(*WORDS, body)
    assert seen.exit_code == 1 and "postal address" in seen.output


@pytest.mark.parametrize("verb", ["status", "pause", "resume", "cancel"])
def test_a_campaign_that_is_not_there_is_told(verb: str, command: Command) -> None:
    seen = command("campaign", verb, "404")
    assert seen.exit_code == 1 and "no campaign 404" in seen.output


def test_a_moment_long_past_is_refused_and_one_without_a_zone_is_the_owners(command: Command, tmp_path: Path) -> None:
    body = tmp_path / "body.md"
    body.write_text("News.\n")
    past = command("campaign", "send", "--subject", "S", "--body", str(body), "--at", "2020-01-01T00:00:00Z")
    assert past.exit_code != 0
    assert "is past" in past.output
    summer = command("campaign", "send", "--subject", "S", "--body", str(body), "--at", "2099-07-01T09:00")
    assert "09:00 BST" in summer.output
