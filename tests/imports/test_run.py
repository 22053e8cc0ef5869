"""Importing subscribers: whom it adds, whom it leaves alone, what it refuses."""

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from newsletter import journey
from newsletter.clock import FixedClock
from newsletter.db import Database
from newsletter.imports import BadFile, ErrorsFile, Fate, Flaw, Report
from newsletter.imports.address import unguarded
from newsletter.imports.report import Remark
from newsletter.imports.run import BATCH
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import (
    Consent,
    Status,
    Subscriber,
    Suppression,
    SuppressionReason,
    address_hash,
    clean_name,
    read_address,
    tags_of,
)
from newsletter.wordings import Wording
from tests.conftest import NOON, InlineTrigger
from tests.imports.conftest import BASIS, SECRET, bring_into


def _import(database: Database, text: str) -> Report:
    return bring_into(database, text)


def _people(database: Database) -> list[tuple[str, str, Status, bool]]:
    with database.reading() as session:
        every = session.scalars(select(Subscriber).order_by(Subscriber.id))
        return [(one.email, one.first_name, one.status, one.newsletter) for one in every]


def test_imported_people_are_confirmed_with_their_consent(database: Database) -> None:
    report = _import(database, "email,first_name\r\nalice@example.com,Alice\r\nbob@example.com,\r\n")
    assert (report.read, report.fates[Fate.ADDED]) == (2, 2)
    assert _people(database) == [
        ("alice@example.com", "Alice", Status.CONFIRMED, True),
        ("bob@example.com", "", Status.CONFIRMED, True),
    ]
    with database.reading() as session:
        consents = session.scalars(select(Consent).options(joinedload(Consent.wording))).all()
    assert {(one.wording.words, one.form, one.newsletter, one.confirmed_at) for one in consents} == {
        ("Asked for it at the desk", "import", True, NOON)
    }
    assert len(consents) == 2


def test_columns_may_stand_in_any_order_and_case_and_a_mark_may_come_first(database: Database) -> None:
    assert _import(database, "\ufeffFirst_Name, EMAIL ,phone\nAlice,alice@example.com,1\n").fates[Fate.ADDED] == 1
    assert _people(database)[0][1] == "Alice"


@pytest.mark.parametrize("status", [Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED])
def test_who_is_gone_here_stays_gone(status: Status, database: Database, person: Callable[..., int]) -> None:
    id = person("jane@example.com", "Jane")
    with database.transaction() as session:
        jane = session.get_one(Subscriber, id)
        jane.status, jane.newsletter = status, False
    report = _import(database, "email,first_name\nJANE@example.com,Janet\n")
    assert report.fates == {Fate.SUPPRESSED: 1}
    assert _people(database) == [("jane@example.com", "Jane", status, False)]
    with database.reading() as session:
        assert session.scalar(select(func.count(Consent.id))) == 0


@pytest.mark.parametrize("reason", SuppressionReason)
def test_a_suppressed_address_does_not_come_back(reason: SuppressionReason, database: Database) -> None:
    with database.transaction() as session:
        hashed = address_hash(SECRET, "jane@example.com")
        session.add(Suppression(address_hash=hashed, reason=reason, created_at=NOON))
    report = _import(database, "email\nJane@example.com\nalice@example.com\n")
    assert report.fates == {Fate.SUPPRESSED: 1, Fate.ADDED: 1}
    assert [email for email, *_ in _people(database)] == ["alice@example.com"]


def test_an_address_twice_is_one_person(database: Database) -> None:
    report = _import(database, "email\njane@example.com\nJane@Example.com\n")
    assert report.fates == {Fate.ADDED: 1, Fate.KNOWN: 1}


def test_the_same_file_again_adds_nobody(database: Database) -> None:
    text = "email\n" + "".join(f"p{n}@example.com\n" for n in range(2500))
    assert _import(database, text).fates == {Fate.ADDED: 2500}
    again = _import(database, text)
    assert again.fates == {Fate.KNOWN: 2500}


def test_a_bad_row_is_told_with_its_line_and_the_others_go_in(database: Database) -> None:
    report = _import(database, "email\njane@example.com\nnobody\n\nalice@example.com\n,\n")
    assert report.fates == {Fate.ADDED: 2, Fate.REFUSED: 2}
    assert [(one.line, one.flaw) for one in report.bad] == [(3, Flaw.BAD_ADDRESS), (6, Flaw.NO_ADDRESS)]


def test_only_the_first_bad_rows_are_told(database: Database) -> None:
    report = _import(database, "email\n" + "nobody\n" * 100)
    assert (report.fates[Fate.REFUSED], len(report.bad)) == (100, 20)


@pytest.mark.parametrize("text", ["", "\n", "name,address\nJane,jane@example.com\n", "ask @ the desk\n"])
def test_a_file_without_the_column_is_refused(text: str, database: Database) -> None:
    with pytest.raises(BadFile, match="email"):
        _import(database, text)


def test_a_line_without_an_end_stops_before_anything_is_written(database: Database) -> None:
    with pytest.raises(BadFile, match="Line 3 "):
        _import(database, "email\njane@example.com\n" + "x" * 2_000_000)
    assert _people(database) == []


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=5))
def test_any_name_goes_through_a_file(names: list[str], database: Database) -> None:
    with database.transaction() as session:
        for table in (Consent, Subscriber):
            session.execute(table.__table__.delete())
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([["email", "first_name"], *([f"p{n}@example.com", name] for n, name in enumerate(names))])
    assert _import(database, out.getvalue()).fates == {Fate.ADDED: len(names)}
    assert [name for _, name, *_ in _people(database)] == [clean_name(unguarded(name)) for name in names]


def test_a_pending_person_in_a_list_with_a_basis_is_confirmed(database: Database, person: Callable[..., int]) -> None:
    id = person("jane@example.com", "Jane", confirmed=False)
    later = NOON + timedelta(days=1)
    assert bring_into(database, "email\nJane@example.com\n", now=later).fates == {Fate.CONFIRMED: 1}
    assert _people(database) == [("jane@example.com", "Jane", Status.CONFIRMED, True)]
    with database.reading() as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.subscriber_id, consent.wording.words, consent.form) == (id, BASIS, "import")
        assert session.get_one(Subscriber, id).confirmed_at == later


def test_who_takes_no_newsletter_here_is_not_given_one(database: Database, person: Callable[..., int]) -> None:
    person("jane@example.com", newsletter=False)
    assert _import(database, "email\njane@example.com\n").fates == {Fate.KNOWN: 1}
    assert _people(database) == [("jane@example.com", "", Status.CONFIRMED, False)]


def test_dates_zone_and_tags_are_kept(database: Database) -> None:
    _import(
        database,
        "email,created_at,confirmed_at,timezone,tags\n"
        'jane@example.com,2023-04-05T06:07:08Z,2023-04-05 06:10:00,Europe/Paris,"vip, Golf,vip"\n',
    )
    with database.reading() as session:
        jane = session.scalars(select(Subscriber)).one()
        assert jane.created_at == datetime(2023, 4, 5, 6, 7, 8, tzinfo=UTC)
        assert jane.confirmed_at == datetime(2023, 4, 5, 6, 10, tzinfo=UTC)
        assert jane.zone == "Europe/Paris"
        assert tags_of(session, jane.id) == ["Golf", "vip"]


def test_what_is_not_kept_of_a_row_is_told_and_the_person_is_in(database: Database) -> None:
    report = _import(database, "email,first_name,created_at,zone\na@example.com,www.evil.example,soon 2024,Mars/One\n")
    assert report.fates == {Fate.ADDED: 1}
    assert report.remarks == {Remark.NAME: 1, Remark.DATE: 1, Remark.ZONE: 1}
    assert list(report.first_remarks.values()) == [[2]] * len(report.remarks)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("between", [0, BATCH])
def test_of_two_rows_about_one_person_the_worse_counts_in_any_order(
    order: tuple[int, int], between: int, database: Database
) -> None:
    rows = ["jane@example.com,active\n", "Jane@example.com,unsubscribed\n"]
    others = "".join(f"p{n}@example.com,active\n" for n in range(between))
    text = f"email,status\n{rows[order[0]]}{others}{rows[order[1]]}"
    dry = bring_into(database, text, dry_run=True)
    assert _people(database) == []
    wet = _import(database, text)
    assert dry.fates == wet.fates
    with database.reading() as session:
        assert session.scalars(select(Subscriber.status).where(Subscriber.email_key == "jane@example.com")).one() is (
            Status.UNSUBSCRIBED
        )


def test_an_unknown_status_stops_before_anything_is_written_and_is_named(database: Database) -> None:
    rows = "".join(f"p{n}@example.com,active\n" for n in range(BATCH + 10))
    with pytest.raises(BadFile, match=f"Line {BATCH + 12}: “snoozed” in the column “Status”"):
        _import(database, f"email,Status\n{rows}z@example.com,snoozed\n")
    assert _people(database) == []


def test_a_row_without_its_status_is_told_and_not_taken_for_a_yes(database: Database) -> None:
    report = _import(database, "email,status\na@example.com,\nb@example.com\nc@example.com,active\n")
    assert [(one.line, one.flaw) for one in report.bad] == [(2, Flaw.NO_STATUS), (3, Flaw.NO_STATUS)]
    assert [email for email, *_ in _people(database)] == ["c@example.com"]


def test_who_stops_it_keeps_whole_batches_and_goes_on_later(database: Database) -> None:
    text = "email\n" + "".join(f"p{n}@example.com\n" for n in range(2 * BATCH + 5))

    def stop(report: Report, _octets: int) -> None:
        if report.read:
            assert report.last_line == BATCH + 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_into(database, text, progress=stop)
    assert len(_people(database)) == BATCH
    assert _import(database, text).fates == {Fate.KNOWN: BATCH, Fate.ADDED: BATCH + 5}
    with database.reading() as session:
        assert session.scalar(select(func.count(Consent.id))) == 2 * BATCH + 5
        assert session.scalars(select(Wording.words).join(Consent).distinct()).all() == [BASIS]


def test_what_brings_nobody_is_handed_over_with_its_reason(
    database: Database, person: Callable[..., int], tmp_path: Path
) -> None:
    with database.transaction() as session:
        session.get_one(Subscriber, person("gone@example.com")).unsubscribe(NOON)
    errors = ErrorsFile(tmp_path / "errors.csv")
    report = bring_into(database, "email\nnobody\ngone@example.com\njane@example.com\n", errors=errors)
    with errors.path.open(newline="") as file:
        (heading, *told) = csv.reader(file)
    assert tuple(heading) == ErrorsFile.COLUMNS
    assert [(line, row) for line, _, row in told] == [("2", "nobody"), ("3", "gone@example.com")]
    assert "does not look like" in told[0][1] and told[1][1].startswith("suppressed: ")
    assert (report.fates[Fate.ADDED], errors.written) == (1, 2)


def test_pending_people_of_a_file_get_no_mail_and_do_not_hold_up_reminders(
    runtime: Runtime, trigger: InlineTrigger, clock: FixedClock, sent: SentList
) -> None:
    bring_into(runtime.database, "email,status\n" + "".join(f"p{n}@example.com,pending\n" for n in range(250)))
    sign_up = journey.SignUp(read_address("jane@example.com"), "recover-from-pain", True, "I agree.")
    with runtime.database.transaction() as session:
        journey.subscribe(session, runtime, sign_up, NOON)
    trigger.wake()
    with runtime.database.transaction() as session:
        clock.forward(timedelta(days=4))
        journey.remind_and_forget(session, runtime, clock.now())
    trigger.wake()
    assert [one.recipient for one in sent.envelopes] == ["jane@example.com"] * 2
