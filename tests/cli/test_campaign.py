"""Campaigns from the command line."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from newsletter import brand, campaigns
from newsletter.campaigns import Campaign, together
from newsletter.db import Database
from newsletter.mail.ledger import Hold
from newsletter.preflight import spam
from newsletter.preflight.spam import Scores
from newsletter.subscribers import Subscriber, read_address, register, segments
from newsletter.subscribers.segments import Group, How, Rules
from newsletter.subscribers.segments.rules import HasTag, JoinedLately
from tests.cli.conftest import Command
from tests.spamd_server import answered, spamd

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
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
    assert "That time has passed" in past.output
    year = datetime.now(UTC).year + 1
    summer = command("campaign", "send", "--subject", "S", "--body", str(body), "--at", f"{year}-07-01T09:00")
    assert "09:00 BST" in summer.output


def test_a_time_that_the_clocks_skip_is_refused_as_on_the_page(command: Command, body: str) -> None:
    thirty_first = date(datetime.now(UTC).year + 1, 3, 31)
    last_sunday = thirty_first - timedelta(days=thirty_first.isoweekday() % 7)
    seen = command(*WORDS, body, "--at", f"{last_sunday}T01:30")
    assert seen.exit_code != 0 and "does not exist in Europe/London" in seen.output


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--at", "9999-12-31T23:59:59-12:00"), "is the year right?"),
        (("--at", "9999-01-01"), "more than two years away"),
        (("--at", "0001-01-01T00:00:00+14:00"), "is the year right?"),
        (("--guide", "no-such-guide"), "Guides that exist: recover-from-pain, exercise-at-50"),
    ],
)
def test_what_nobody_means_is_refused_in_words(more: tuple[str, ...], told: str, command: Command, body: str) -> None:
    seen = command(*WORDS, body, *more)
    assert seen.exit_code != 0 and told.lower() in seen.output.lower(), seen.output
    assert "Traceback" not in seen.output


def test_the_pages_preflight_holds_here_and_warnings_want_force(command: Command, tmp_path: Path) -> None:
    (tmp_path / "odd.md").write_text("Dear *|FNAME|*,\n\nnews.")
    asked = command(*WORDS, str(tmp_path / "odd.md"))
    assert asked.exit_code == 1 and "*|FNAME|*" in asked.output and "--force" in asked.output
    forced = command(*WORDS, str(tmp_path / "odd.md"), "--force")
    assert forced.exit_code == 0 and forced.stdout.split()[-1].isdigit()
    (tmp_path / "bad.md").write_text("![x](/static/img/nowhere.png)")
    assert command(*WORDS, str(tmp_path / "bad.md"), "--force").exit_code == 1


def test_a_file_of_another_program_is_read_or_told(command: Command, tmp_path: Path, house: Database) -> None:
    file = tmp_path / "words.md"
    file.write_bytes("\ufeff# Grüße\r\n\r\nText\x0bmehr".encode("utf-16"))
    id = command(*WORDS, str(file)).output.split()[-1]
    with house.reading() as session:
        assert session.get_one(Campaign, int(id)).article.current.body == "# Grüße\n\nText\nmehr"
    file.write_bytes("Grüße".encode("cp1252"))
    told = command(*WORDS, str(file))
    assert told.exit_code == 1 and "Line 1 is not UTF-8" in told.output


@pytest.fixture
def paused(command: Command, body: str, house: Database) -> str:
    """A campaign to two people, paused before anybody has it."""
    with house.transaction() as session:
        for email in ("ann@example.com", "ben@example.com"):
            register(session, read_address(email), EARLY).confirm(EARLY)
        session.execute(update(Subscriber).values(newsletter=True))
    id = str(command(*WORDS, body).output.split()[-1])
    for step in (campaigns.launch_due, campaigns.fill_next):
        with house.transaction() as session:
            step(session, datetime(2100, 1, 1, tzinfo=UTC))
    command("campaign", "pause", id)
    return id


def _words(house: Database, id: str) -> tuple[int, str, str]:
    with house.reading() as session:
        dispatch = session.get_one(Campaign, int(id)).dispatch
        assert dispatch is not None
        return dispatch.revision.number, dispatch.revision.subject, dispatch.revision.body


def test_revise_asks_and_sets_the_words_and_leaves_it_paused(
    command: Command, paused: str, tmp_path: Path, house: Database
) -> None:
    (tmp_path / "new.md").write_text("Turn one way.\n")
    told = command("campaign", "revise", paused, "--body", str(tmp_path / "new.md"))
    assert "Nobody has it already in the old words." in told.output
    assert "The new ones go to 2 people, from No. 1 (ann@example.com) on." in told.output
    assert "Set these words? [y/N]" in told.output
    assert told.exit_code == 1 and _words(house, paused)[0] == 1, "nobody said yes"
    done = command("campaign", "revise", paused, "--body", str(tmp_path / "new.md"), "--subject", "Tennis", "--yes")
    assert done.exit_code == 0 and f"campaign resume {paused}" in done.output
    assert _words(house, paused) == (2, "Tennis", "Turn one way.\n")
    assert "paused" in command("campaign", "status", paused).output


def test_revise_says_why_not_and_changes_nothing(
    command: Command, paused: str, tmp_path: Path, house: Database
) -> None:
    (tmp_path / "bad.md").write_text("{{ nickname }}")
    (tmp_path / "new.md").write_text("New.")
    assert "nickname" in command("campaign", "revise", paused, "--body", str(tmp_path / "bad.md"), "--yes").output
    command("campaign", "resume", paused)
    late = command("campaign", "revise", paused, "--body", str(tmp_path / "new.md"), "--yes")
    assert late.exit_code == 1 and "Pause it first" in late.output
    assert command("campaign", "revise", "404", "--body", str(tmp_path / "new.md")).exit_code == 1
    assert _words(house, paused)[0] == 1


def test_it_waits_for_whoever_is_calling_the_campaign_off(command: Command, body: str, house: Database) -> None:
    id = command(*WORDS, body).output.split()[-1]
    with house.transaction() as session:
        campaigns.launch_due(session, datetime(2100, 1, 1, tzinfo=UTC))
    command("campaign", "pause", id)
    with ThreadPoolExecutor(1) as aside:
        with house.transaction() as session:
            session.get_one(Campaign, int(id), with_for_update=True).cancel(session, EARLY)
            session.flush()
            resuming = aside.submit(command, "campaign", "resume", id)
            with pytest.raises(TimeoutError):
                resuming.result(timeout=1)
        told = resuming.result(timeout=20)
    assert told.exit_code == 1 and "cancelled" in told.output
    with house.reading() as session:
        campaign = session.get_one(Campaign, int(id))
        assert campaign.dispatch is not None and campaign.dispatch.hold is Hold.CANCELLED


def test_to_a_saved_segment_by_its_name(command: Command, body: str, house: Database) -> None:
    with house.transaction() as session:
        segments.save(session, "Newcomers", Rules(JoinedLately(30)), EARLY)
    told = command(*WORDS, body, "--segment", "newcomers")
    assert told.exit_code == 0, told.output
    with house.reading() as session:
        made = session.get_one(Campaign, int(told.output.split()[-1]))
        assert made.saved_segment is not None
        assert made.saved_segment.name == "Newcomers"
    told = command(*WORDS, body, "--segment", "Runners")
    assert (told.exit_code, "There is no segment “Runners”. Segments that exist: “Newcomers”." in told.output) == (
        1,
        True,
    )


def test_some_are_left_out_by_the_names_of_their_segments(command: Command, body: str, house: Database) -> None:
    with house.transaction() as session:
        for name in ("Newcomers", "Runners"):
            segments.save(session, name, Rules(JoinedLately(30)), EARLY)
    told = command(*WORDS, body, "--without", "newcomers", "--without", "Runners", "--one-a-day")
    assert told.exit_code == 0, told.output
    with house.reading() as session:
        made = session.get_one(Campaign, int(told.output.split()[-1]))
        assert [one.name for one in made.left_out] == ["Newcomers", "Runners"] and made.one_a_day
    told = command(*WORDS, body, "--without", "Cyclists")
    assert told.exit_code == 1 and "There is no segment “Cyclists”." in told.output
    tomorrow = f"{datetime.now(UTC).date() + timedelta(days=1)}T09:00"
    told = command(*WORDS, body, "--own-time", "--at", tomorrow, "--one-a-day", "--force")
    assert told.exit_code == 0, told.output
    with house.reading() as session:
        made = session.get_one(Campaign, int(told.output.split()[-1]))
        assert made.one_a_day and made.own_time
    with house.transaction() as session:
        segments.save(session, "Gone", Rules(HasTag("gone")), EARLY)
    told = command(*WORDS, body, "--without", "Gone", "--force")
    assert told.exit_code == 1 and "So it cannot be told who is left out" in told.output


def test_the_rest_of_one_that_was_called_off(command: Command, body: str, house: Database) -> None:
    id = command(*WORDS, body, "--at", f"{datetime.now(UTC).date() + timedelta(days=9)}T09:00").output.split()[-1]
    told = command("campaign", "rest", id)
    assert told.exit_code == 1 and "Only a campaign that was cancelled while it went out" in told.output
    with house.transaction() as session:
        campaign = session.get_one(Campaign, int(id))
        assert campaign.scheduled_at is not None
        campaigns.launch_due(session, campaign.scheduled_at)
        together.cancel(session, campaign, campaign.scheduled_at)
    told = command("campaign", "rest", id)
    assert told.exit_code == 0 and "Drafted for the other 0 people: campaign" in told.output
    assert command("campaign", "rest", "999").exit_code == 1


def test_a_segment_that_names_something_gone_stops_it(command: Command, body: str, house: Database) -> None:
    with house.transaction() as session:
        segments.save(session, "Others", Rules(Group(How.NONE, (HasTag("gone"),))), EARLY)
    told = command(*WORDS, body, "--segment", "Others", "--force")
    assert (told.exit_code, "There is no tag “gone” any more." in told.output) == (1, True)
    with house.reading() as session:
        assert session.scalar(select(func.count(Campaign.id))) == 1, "only the seeds' draft"


def test_spam_points_are_printed_and_at_a_warning_it_wants_force(
    command: Command, body: str, house: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spamd() as server:
        monkeypatch.setenv("SPAMD", server.place)
        told = command(*WORDS, body)
        assert told.exit_code == 0 and "Spam points: 1.7; from 5.0 on it is spam." in told.output
        assert "+2.7  DEAR_FRIEND  BODY: Dear Friend?" in told.output and "MAILING_LIST_MULTI" not in told.output
        with house.reading() as session:
            row = spam.score_of(session, Scores.CAMPAIGN, int(told.output.split()[-1]))
            assert row is not None and row.found["mails"][0]["points"] == 1.7 and row.fingerprint
        server.answer = answered("6.1")
        refused = command(*WORDS, body)
        assert refused.exit_code == 1 and "Warning: Spam points: SpamAssassin gives it 6.1 points" in refused.output
        assert "say it again with --force" in refused.output
        both = command(*WORDS, body, "--subject-b", "Tennis", "--force")
        assert "A: Spam points: 6.1" in both.output and "B: Spam points: 6.1" in both.output
        asked = len(server.mails)
        assert command("campaign", "send", "--subject", "{{ nobody }}", "--body", body).exit_code == 1
        assert len(server.mails) == asked, "words that can be no mail"
    away = command(*WORDS, body)
    assert away.exit_code == 0 and "Note: Spam points: SpamAssassin gave none (" in away.output
