"""The import pages: what columns and statuses are, asked and never guessed."""

import re

from sqlalchemy import select

from newsletter.imports.for_known import ForKnown
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, Subscriber, held
from tests.web.owner.clerk import COLUMNS, LIST, Clerk, clerk
from tests.web.owner.conftest import Desk, readable

__all__ = ["clerk"]


def _people(runtime: Runtime) -> dict[str, str]:
    with runtime.database.reading() as session:
        return {one.email: str(one.status) for one in session.scalars(select(Subscriber))}


def test_columns_are_shown_with_their_first_rows_and_what_they_seem_to_be(clerk: Clerk, desk: Desk) -> None:
    words = clerk.send()
    assert "What are these columns?" in words and "jane@example.com bo@example.com nobody" in words
    page = desk.get(clerk.path)
    chosen = re.findall(r'name="what-(\d)".*?selected>([^<]*)<', page, re.S)
    assert [words for _, words in chosen] == ["E-mail address", "First name", "Status (subscribed, unsubscribed …)",
                                              "Leave out", "Tags"]  # fmt: skip
    assert "New field: number (it looks like one)" in readable(page)


def test_a_field_is_made_on_the_way_and_only_when_it_begins(clerk: Clerk, runtime: Runtime) -> None:
    columns = {**COLUMNS, "what-3": "new:number", "label-3": "Shoe size"}
    assert "1 added" in clerk.to_the_check(columns=columns)
    with runtime.database.reading() as session:
        assert session.scalars(select(Field)).all() == []
    clerk.say("start")
    with runtime.database.reading() as session:
        jane = session.scalars(select(Subscriber.id).where(Subscriber.email == "jane@example.com")).one()
        ((field, value),) = held(session, jane)
        assert (field.key, field.label, value) == ("shoe_size", "Shoe size", "40")


def test_choices_of_a_new_field_are_what_stands_in_the_file(clerk: Clerk, runtime: Runtime) -> None:
    text = "email,Size\n" + "".join(f"p{n}@example.com,{'SML'[n % 3]}\n" for n in range(9))
    clerk.to_the_check(text, {"what-0": "email", "what-1": "new:choice", "label-1": "Size"})
    clerk.say("start")
    with runtime.database.reading() as session:
        assert session.scalars(select(Field)).one().choices == ["S", "M", "L"]
    many = "email,Size\n" + "".join(f"q{n}@example.com,{n}\n" for n in range(150))
    clerk.send(many)
    told = clerk.say("columns", **{"what-0": "email", "what-1": "new:choice", "label-1": "Number"})
    assert "more than 100 different values: make it a field of text" in told and "What are these columns?" in told


def test_what_columns_cannot_be_is_said_beside_them_and_nothing_typed_is_lost(clerk: Clerk, desk: Desk) -> None:
    clerk.send()
    for wrong, told in (
        ({"what-0": ""}, "Say which column holds the e-mail addresses"),
        ({"what-2": ""}, "By its name, “status” tells who wants mail"),
        ({"what-3": "new:text", "label-3": " "}, "Give the new field a name"),
        ({"what-1": "new:text", "label-1": "X", "what-3": "new:text", "label-3": "x"}, "a field “x” already"),
    ):
        answer = desk.post(f"{clerk.path}/columns", **{**COLUMNS, **wrong})
        assert answer.status_code == 422 and told in readable(answer.text), wrong
        assert 'value="tags" selected' in answer.text
    assert "2 added" in clerk.say("columns", **{**COLUMNS, "what-2": "waved"}) + clerk.say("basis", basis="b")


def test_a_column_that_says_who_left_is_not_left_out_by_oversight(clerk: Clerk) -> None:
    clerk.send("email,Mood\na@example.com,unsubscribed\nb@example.com,fine\n")
    told = clerk.say("columns", **{"what-0": "email", "what-1": ""})
    assert "Line 2: the column “Mood” says “unsubscribed”" in told and "What are these columns?" in told
    assert "2 readers" in clerk.say("columns", **{"what-0": "email", "what-1": "waved"})


def test_unknown_statuses_are_asked_about_and_never_guessed(clerk: Clerk, runtime: Runtime) -> None:
    clerk.send(
        "email,status\na@x.example.com,active\nb@x.example.com,Snoozed\nc@x.example.com,snoozed\nd@x.example.com,lapsed\n"
    )
    told = clerk.say("columns", **{"what-0": "email", "what-1": "status"})
    assert (
        "1 reader :" in told
        and "never subscribed" not in told
        and "“Snoozed” in the column “status”: 2 rows, the first in line 3" in told
    )
    assert "never guessed" in clerk.say("basis", basis="b", word=["snoozed", "lapsed"], answer=["reader", ""])
    told = clerk.say("basis", basis="b", word=["lapsed", "snoozed"], answer=["left", "out"])
    assert "1 added" in told and "1 had left" in told and "2 left out" in told
    clerk.say("start")
    assert _people(runtime) == {"a@x.example.com": "confirmed", "d@x.example.com": "unsubscribed"}


def test_the_same_headings_are_read_the_same_way_next_time(clerk: Clerk, desk: Desk) -> None:
    text = "Post,Wer,Seit\na@example.com,Ann,2024-01-01\n"
    clerk.to_the_check(text, {"what-0": "email", "what-1": "first_name", "what-2": "joined"})
    clerk.say("start")
    clerk.send(text.replace("a@", "b@"))
    chosen = re.findall(r'name="what-(\d)".*?selected>([^<]*)<', desk.get(clerk.path), re.S)
    assert [words for _, words in chosen] == ["E-mail address", "First name", "Joined on"]


def test_statuses_are_told_in_numbers_before_the_basis_is_asked(clerk: Clerk, runtime: Runtime) -> None:
    clerk.send()
    words = clerk.say("columns", **COLUMNS)
    assert "2 readers : come in as confirmed" in words and "1 bounced : kept out for good" in words
    assert "Say how these people agreed" in clerk.say("basis", basis=" ", tags="a, b")
    assert _people(runtime) == {}


def test_a_list_without_headings_is_asked_about_by_numbers_and_comes_in_whole(clerk: Clerk) -> None:
    page = clerk.send("Jane,jane@example.com\nBo,bo@example.com\n")
    for word in ("The first row holds an address", "Column 1", "Column 2", "The first row holds headings"):
        assert word in page
    assert "jane@example.com bo@example.com" in page
    said = clerk.desk.told(f"{clerk.path}/headings", headed="yes")
    assert "The first row is read" not in said and "Column 1" not in said
    said = clerk.desk.told(f"{clerk.path}/headings")
    assert "The first row is read as a person’s" in said and "Column 2" in said
    clerk.say("columns", **{"what-0": "first_name", "what-1": "email"})
    told = clerk.say("basis", basis="At the desk")
    assert "2 rows" in told and "2 added" in told and "the first row is read as a person's" in told
    clerk.desk.post(f"{clerk.path}/start")
    assert "2 added" in clerk.work()
    assert "This import is done" in clerk.desk.told(f"{clerk.path}/headings", headed="yes")


def test_what_those_get_who_are_here_is_chosen_and_told(clerk: Clerk, runtime: Runtime) -> None:
    clerk.to_the_check(LIST)
    clerk.desk.post(f"{clerk.path}/start")
    clerk.work()
    again = LIST.replace("Jane,active,40,golf", "Jane,active,40,golf;new")
    page = clerk.to_the_check(again)
    assert "1 person who is here already gets a tag." in page
    clerk.desk.post(f"{clerk.path}/basis-again")
    assert "in place of theirs" in clerk.desk.read(clerk.path)
    page = clerk.say("basis", basis="At the desk", known="leave")
    assert "gets a tag" not in page and clerk.row.for_known is ForKnown.LEAVE
    clerk.desk.post(f"{clerk.path}/basis-again")
    clerk.say("basis", basis="At the desk", known="nonsense")
    clerk.desk.post(f"{clerk.path}/start")
    assert "1 person who is here already gets a tag." in clerk.work()
