"""A/B tests from the command line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from newsletter import campaigns
from newsletter.campaigns import ABTest, Campaign, CampaignState, Part, Phase
from newsletter.db import Database
from newsletter.subscribers import read_address, register
from tests.cli.conftest import Command

WORDS = ("campaign", "send", "--subject", "Golf", "--subject-b", "The other", "--body")
EARLY = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def body(tmp_path: Path) -> str:
    """The file of a text."""
    file = tmp_path / "golf.md"
    file.write_text("{{ greeting }},\n\nturn both ways.\n")
    return str(file)


@pytest.fixture
def readers(house: Database) -> None:
    """A hundred."""
    with house.transaction() as session:
        for number in range(100):
            one = register(session, read_address(f"p{number}@example.com"), EARLY)
            one.confirm(EARLY)
            one.newsletter = True


def test_from_the_command_to_the_rest(command: Command, body: str, house: Database, readers: None) -> None:
    told = command(*WORDS, body, "--share", "50", "--hours", "2")
    assert told.exit_code == 0, told.output
    assert "50% of the audience is drawn by lot" in told.output and "2 hours after both have gone out" in told.output
    assert "to 100 people: campaign" in told.output
    id = told.output.split()[-1]
    assert "It is scheduled." in command("campaign", "test", id).output
    assert "Nothing of the test has gone out yet" in command("campaign", "choose", id, "b").output
    with house.transaction() as session:
        campaigns.launch_due(session, datetime(2100, 1, 1, tzinfo=UTC))
    with house.transaction() as session:
        while campaigns.fill_next(session, EARLY):
            pass
    assert "It is going out." in command("campaign", "test", id).output
    told = command("campaign", "choose", id, "B")
    assert "B goes to the rest: campaign" in told.output
    assert "There is no A/B test" not in command("campaign", "test", told.output.split()[-1]).output
    with house.reading() as session:
        test = session.scalars(select(ABTest)).one()
        assert (test.phase, test.winner, test.share, test.hours) == (Phase.DECIDED, Part.B, 50, 2)
        assert test.rest is not None and test.rest.revision.subject == "The other"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--share", "0"), "Give a share from 2 to 90 percent."),
        (("--hours", "0"), "Give a time from 1 hour to 14 days."),
        (("--winner", "clicks"), "Clicks are not counted"),
        (("--subject-b", "golf"), "That is the subject of A."),
        (("--winner", "coin"), "Invalid value"),
    ],
)
def test_what_is_no_test_is_told_and_nothing_is_kept(
    command: Command,
    body: str,
    house: Database,
    readers: None,
    more: tuple[str, str],
    told: str,
) -> None:
    answer = command(*WORDS, body, *more)
    assert answer.exit_code != 0 and told in answer.output
    with house.reading() as session:
        assert session.scalars(select(ABTest)).all() == []
        assert session.scalar(select(func.count(Campaign.id))) == 1  # the draft that a new install has


def test_too_few_people_for_a_test(command: Command, body: str) -> None:
    assert "these are too few people for a test" in command(*WORDS, body).output


def test_stopped_and_called_off(command: Command, body: str, house: Database, readers: None) -> None:
    id = command(*WORDS, body).output.split()[-1]
    assert "is cancelled" in command("campaign", "cancel", id).output
    assert "stopped already" in command("campaign", "stop-test", id).output
    with house.reading() as session:
        test = session.scalars(select(ABTest)).one()
        assert {one.stored_state for one in test.both} == {CampaignState.CANCELLED}
    assert "There is no A/B test with a campaign 99." in command("campaign", "test", "99").output
