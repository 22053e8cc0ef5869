"""One file of each program, in its own columns: who becomes a reader, and who never does."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from newsletter.db import Database
from newsletter.imports import BadFile, Report
from newsletter.imports.columns import Program
from newsletter.subscribers import Subscriber, Suppression, SuppressionReason
from tests.imports.conftest import tally

pytestmark = pytest.mark.sqlite_only

Bring = Callable[..., Report]
Statuses = Callable[[], dict[str, str]]
MAILCHIMP = (
    '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,TIMEZONE,'
    "LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)


def _mailchimp(email: str, optin: str = "2019-03-04 09:08:07", confirm: str = "2019-03-04 09:10:11") -> str:
    times = f'"{optin}",192.0.2.9,"{confirm}",,Europe/London,"2020-01-01 00:00:00"'
    return f'{email},Mo,Lee,3,{times},77,ab12,,"""gold"",""new"""\n'


def test_mailchimp_subscribed(bring: Bring, statuses: Statuses, database: Database) -> None:
    report = bring(f"{MAILCHIMP}\n{_mailchimp('mo@mc.example')}", name="subscribed_email_audience_export_1a2b.csv")
    assert report.reading.program == Program.MAILCHIMP
    assert statuses() == {"mo@mc.example": "confirmed+"}
    assert (report.tags, set(report.reading.unused)) == (
        2, {"Last Name", "MEMBER_RATING", "OPTIN_IP", "CONFIRM_IP", "LAST_CHANGED", "LEID", "EUID", "NOTES"}
    )  # fmt: skip
    with database.reading() as session:
        mo = session.scalars(select(Subscriber)).one()
    assert (mo.first_name, mo.zone) == ("Mo", "Europe/London")
    assert (f"{mo.created_at:%H:%M}", f"{mo.confirmed_at:%H:%M}") == ("09:08", "09:10")


def test_mailchimp_unsubscribed_and_cleaned(bring: Bring, statuses: Statuses, database: Database) -> None:
    bring("Email Address,LEID,UNSUB_TIME,UNSUB_REASON\nu@mc.example,5,2021-02-03 04:05:06,NORMAL\n")
    bring("Email Address,LEID,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\nc@mc.example,6,2021-02-03 04:05:06,May\n")
    assert statuses() == {"u@mc.example": "unsubscribed", "c@mc.example": "bounced"}
    with database.reading() as session:
        assert {one.left_at and one.left_at.year for one in session.scalars(select(Subscriber))} == {2021}


@pytest.mark.parametrize(
    ("name", "stands"),
    [
        ("unsubscribed_email_audience_export_9f.csv", {"x@mc.example": "unsubscribed"}),
        ("exports/cleaned_members_export_9f.csv", {"x@mc.example": "bounced"}),
        ("nonsubscribed_email_audience_export_9f.csv", {}),
        ("non-subscribed_members_export_9f.csv", {}),
        ("subscribed_email_audience_export_9f.csv", {"x@mc.example": "confirmed+"}),
    ],
)
def test_mailchimp_tells_some_lists_apart_by_the_file_name_only(
    name: str, stands: dict[str, str], bring: Bring, statuses: Statuses
) -> None:
    bring(f"{MAILCHIMP}\n{_mailchimp('x@mc.example')}", name=name)
    assert statuses() == stands


def test_mailchimp_non_subscribed_have_never_opted_in(bring: Bring, statuses: Statuses) -> None:
    report = bring(f"{MAILCHIMP}\n{_mailchimp('n@mc.example', '', '')}{_mailchimp('i@mc.example', '')}", name="a.csv")
    assert tally(report) == {"never agreed": 1, "added": 1}
    assert statuses() == {"i@mc.example": "confirmed+"}


def test_a_name_that_says_unsubscribed_of_a_file_that_does_not_stops(bring: Bring, statuses: Statuses) -> None:
    with pytest.raises(BadFile, match="By its name"):
        bring("email\na@x.example\n", name="unsubscribed_people.csv")
    assert statuses() == {}


CASES: dict[str, tuple[str, Program | None, dict[str, str]]] = {
    "own": (
        "email,first_name,status,newsletter,zone,created_at,confirmed_at,left_at,tags\n"
        "a@o.example,A,confirmed,True,,2026-01-01T00:00:00+00:00,2026-01-01T00:00:00+00:00,,\n"
        "b@o.example,B,confirmed,False,,2026-01-01T00:00:00+00:00,2026-01-01T00:00:00+00:00,,\n"
        "c@o.example,C,unsubscribed,False,,2026-01-01T00:00:00+00:00,,2026-02-01T00:00:00+00:00,\n"
        "d@o.example,D,bounced,False,,2026-01-01T00:00:00+00:00,,,\n"
        "e@o.example,E,complained,False,,2026-01-01T00:00:00+00:00,,,\n"
        "f@o.example,F,pending,False,,2026-01-01T00:00:00+00:00,,,\n",
        Program.OWN,
        {"a@o.example": "confirmed+", "b@o.example": "confirmed", "c@o.example": "unsubscribed",
         "d@o.example": "bounced", "e@o.example": "complained", "f@o.example": "pending"},
    ),
    "kit": (
        "first_name,email,state,created_at,tags\nA,a@k.example,active,2024-01-01,x\nB,b@k.example,cancelled,2024-01-01,\n"
        "C,c@k.example,bounced,2024-01-01,\nD,d@k.example,complained,2024-01-01,\nE,e@k.example,inactive,2024-01-01,\n"
        "F,f@k.example,cold,2024-01-01,\n",
        Program.KIT,
        {"a@k.example": "confirmed+", "b@k.example": "unsubscribed", "c@k.example": "bounced",
         "d@k.example": "complained", "e@k.example": "pending", "f@k.example": "confirmed+"},
    ),
    "mailerlite": (
        "Subscriber,Name,Status,Sent,Opened,Clicked,Subscribed,Unsubscribed\n"
        "a@m.example,A,Active,3,1,0,2023-05-06 07:08:09,\nb@m.example,B,Unsubscribed,3,1,0,2023-05-06 07:08:09,"
        "2023-06-01 00:00:00\nc@m.example,C,Unconfirmed,0,0,0,,\nd@m.example,D,Bounced,1,0,0,,\n"
        "e@m.example,E,Junk,1,0,0,,\n",
        Program.MAILERLITE,
        {"a@m.example": "confirmed+", "b@m.example": "unsubscribed", "c@m.example": "pending",
         "d@m.example": "bounced", "e@m.example": "complained"},
    ),
    "substack": (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "free@s.example,false,,other,false,2025-01-01T00:00:00.000Z,\n"
        "paid@s.example,true,2027-01-01,yearly,false,2025-01-01T00:00:00.000Z,2025-01-02\n"
        "off@s.example,true,,yearly,true,2025-01-01T00:00:00.000Z,\n",
        Program.SUBSTACK,
        {"free@s.example": "confirmed+", "paid@s.example": "confirmed+", "off@s.example": "unsubscribed"},
    ),
    "ghost": (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"
        "1,a@g.example,A B,,true,false,,2024-05-01T10:00:00.000Z,,,\n"
        "2,b@g.example,B,,false,false,,2024-05-01T10:00:00.000Z,,,\n"
        "3,c@g.example,C,,true,false,,2024-05-01T10:00:00.000Z,2024-06-01T10:00:00.000Z,,\n",
        Program.GHOST,
        {"a@g.example": "confirmed+", "b@g.example": "unsubscribed", "c@g.example": "unsubscribed"},
    ),
    "listmonk": (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1,a@l.example,A,"{""city"": ""Rome""}",enabled,2024-05-01T10:00:00Z,2024-05-01T10:00:00Z\n'
        "2,b@l.example,B,{},disabled,2024-05-01T10:00:00Z,\n3,c@l.example,C,{},blocklisted,2024-05-01T10:00:00Z,\n",
        Program.LISTMONK,
        {"a@l.example": "confirmed+", "b@l.example": "unsubscribed", "c@l.example": "unsubscribed"},
    ),
    "beehiiv": (
        "email,status,subscription_tier,created,utm_source\na@b.example,active,free,1700000000,x\n"
        "b@b.example,inactive,free,1700000000,\nc@b.example,pending,free,1700000000,\n"
        "d@b.example,invalid,free,1700000000,\ne@b.example,validating,free,1700000000,\n",
        Program.BEEHIIV,
        {"a@b.example": "confirmed+", "b@b.example": "unsubscribed", "c@b.example": "pending",
         "d@b.example": "bounced", "e@b.example": "pending"},
    ),
    "brevo": (
        "EMAIL;FIRSTNAME;LASTNAME;ADDED_TIME;MODIFIED_TIME;EMAIL_BLOCKLISTED\n"
        "a@v.example;A;Z;21/03/2024 10:00:00;21/03/2024;No\nb@v.example;B;Z;21/03/2024;21/03/2024;Yes\n",
        Program.BREVO,
        {"a@v.example": "confirmed+", "b@v.example": "unsubscribed"},
    ),
    "keila": (
        "Email,First name,Last name,Data,Status,External ID\na@e.example,A,Z,{},active,\n"
        "b@e.example,B,Z,{},unsubscribed,\nc@e.example,C,Z,{},unreachable,\n",
        Program.KEILA,
        {"a@e.example": "confirmed+", "b@e.example": "unsubscribed", "c@e.example": "bounced"},
    ),
    "nobody's": (
        "E-Mail;Vorname;Unsubscribed;Bounced\na@n.example;A;no;\nb@n.example;B;yes;\nc@n.example;C;;2024-01-02\n",
        None,
        {"a@n.example": "confirmed+", "b@n.example": "unsubscribed", "c@n.example": "bounced"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", CASES)
def test_who_is_a_reader_and_who_is_not(program: str, bring: Bring, statuses: Statuses) -> None:
    text, recognised, expected = CASES[program]
    dry = bring(text, dry_run=True)
    assert statuses() == {}
    report = bring(text)
    assert (report.reading.program, report.fates) == (recognised, dry.fates)
    assert statuses() == expected
    again = bring(text)
    assert statuses() == expected, "a second import changes nothing"
    assert not {str(fate) for fate in again.fates} & {"added", "confirmed", "left", "bounced", "complained", "blocked"}


@pytest.mark.parametrize(
    ("column", "word"),
    [("Mailing", "Unsubscribed"), ("Segment", "opted-out"), ("", "hard_bounced"), ("Abo", "not subscribed")],
)
def test_a_column_of_another_name_that_says_who_left_stops(
    column: str, word: str, bring: Bring, statuses: Statuses
) -> None:
    with pytest.raises(BadFile, match=f"Line 3.*“{word}”.*“status”"):
        bring(f"email,{column}\na@x.example,weekly\nb@x.example,{word}\n")
    assert statuses() == {}
    bring(f"email,{column},status\na@x.example,{word},active\n")
    assert statuses() == {"a@x.example": "confirmed+"}, "where a status says it, other columns may hold any word"


def test_an_empty_cell_beside_others_that_say_yes_is_no_yes(bring: Bring, statuses: Statuses) -> None:
    report = bring("email,opted_in\na@x.example,yes\nb@x.example,\nc@x.example,no\n")
    assert tally(report) == {"added": 1, "never agreed": 1, "left": 1}
    assert statuses() == {"a@x.example": "confirmed+", "c@x.example": "unsubscribed"}
    bring("EMAIL,OPT_IN\nd@x.example,\ne@x.example,\n")
    assert statuses()["d@x.example"] == "confirmed+", "a column that is empty for everybody says nothing"


@pytest.mark.parametrize(
    ("column", "value", "stands"),
    [
        ("Marketing opt-in", "FALSCH", "unsubscribed"), ("Active", "0", "unsubscribed"),
        ("Unsubscribed from all email", "TRUE", "unsubscribed"), ("Suppressed", "vrai", "unsubscribed"),
        ("Spam", "ja", "complained"), ("Opt-in status", "unconfirmed", "pending"),
        ("GDPR consent", "no", "unsubscribed"), ("Wants newsletter", "nein", "unsubscribed"),
        ("DOUBLE_OPT-IN", "No", "pending"), ("Double Opt-In At", "2024-05-06", "confirmed+"),
        ("Subscribed to newsletter", "WAHR", "confirmed+"), ("Do not contact", "no", "confirmed+"),
    ],
)  # fmt: skip
def test_other_programs_say_it_with_other_words(
    column: str, value: str, stands: str, bring: Bring, statuses: Statuses
) -> None:
    bring(f"email,{column}\na@x.example,{value}\n")
    assert statuses() == {"a@x.example": stands}


def test_listmonk_lists_say_where_somebody_stands(bring: Bring, statuses: Statuses) -> None:
    def lists(*each: tuple[str, str]) -> str:
        inside = ",".join(f'{{""name"":""n"",""optin"":""{o}"",""subscription_status"":""{s}""}}' for o, s in each)
        return f'"[{inside}]"'

    bring(
        "uuid,email,attribs,status,lists\n"
        f"1,a@l.example,{{}},enabled,{lists(('double', 'unsubscribed'), ('double', 'confirmed'))}\n"
        f"2,b@l.example,{{}},enabled,{lists(('double', 'unsubscribed'))}\n"
        f"3,c@l.example,{{}},enabled,{lists(('double', 'unconfirmed'))}\n"
        f"4,d@l.example,{{}},enabled,{lists(('single', 'unconfirmed'))}\n"
    )
    assert statuses() == {
        "a@l.example": "confirmed+", "b@l.example": "unsubscribed", "c@l.example": "pending",
        "d@l.example": "confirmed+",
    }  # fmt: skip


def test_who_was_blocked_is_suppressed_on_record(bring: Bring, database: Database) -> None:
    bring("email,status\nb@l.example,blocklisted\n")
    with database.reading() as session:
        (suppressed,) = session.scalars(select(Suppression))
    assert (suppressed.reason, suppressed.detail) == (SuppressionReason.OWNER, "Blocked in an imported list.")


def test_state_may_be_where_people_live(bring: Bring, statuses: Statuses) -> None:
    report = bring("email,city,state\na@x.example,Albany,NY\nb@x.example,Austin,TX\n")
    assert statuses() == {"a@x.example": "confirmed+", "b@x.example": "confirmed+"}
    assert report.reading.unused == ("city", "state")


def test_state_with_one_odd_word_among_statuses_stops(bring: Bring) -> None:
    with pytest.raises(BadFile, match="Line 3: “dozing”"):
        bring("email,state\na@x.example,active\nb@x.example,dozing\n")


@pytest.mark.parametrize("column", ["subscribed_to_emails", "email_disabled", "unsubscribed", "bounced", "newsletter"])
def test_a_flag_that_is_neither_yes_nor_no_stops(column: str, bring: Bring, statuses: Statuses) -> None:
    with pytest.raises(BadFile, match="Line 2: “perhaps”"):
        bring(f"email,{column}\na@x.example,perhaps\n")
    assert statuses() == {}
