"""The import command's words: columns, statuses, tags, topics and sheets."""

from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter import topics
from newsletter.db import Database
from newsletter.imports import Import, ImportState
from newsletter.subscribers import Field, Subscriber, held, tags_of
from tests.cli.conftest import Command
from tests.conftest import NOON
from tests.workbooks import xlsx

BASIS = ("--consent-basis", "A sheet at the desk")


def _file(folder: Path, content: str | bytes, name: str = "list.csv") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def _people(house: Database) -> dict[str, str]:
    with house.reading() as session:
        return {one.email: str(one.status) for one in session.scalars(select(Subscriber))}


def test_columns_and_statuses_are_named_by_their_words(command: Command, house: Database, tmp_path: Path) -> None:
    file = _file(tmp_path, "Post;Wer;State of mail;Size\na@example.com;Ann;ja bitte;40\nb@example.com;Bo;nie mehr;41\n")
    columns = ("Post=email", "Wer=first-name", "state of mail=status", "Size=new:number")
    maps = [word for column in columns for word in ("--map", column)]
    done = command("subscribers", "import", file, *BASIS, *maps)
    assert done.exit_code == 1 and "“ja bitte” in the column “State of mail”" in done.output
    assert _people(house) == {}
    told = ("--status", "ja  BITTE=reader", "--status", "nie mehr=left", "--tag", "desk", "--tag", "2025")
    done = command("subscribers", "import", file, *BASIS, *maps, *told)
    assert done.exit_code == 0, done.output
    assert _people(house) == {"a@example.com": "confirmed", "b@example.com": "unsubscribed"}
    with house.reading() as session:
        ann = session.scalars(select(Subscriber).where(Subscriber.first_name == "Ann")).one()
        assert tags_of(session, ann.id) == ["2025", "desk"]
        assert [(field.key, value) for field, value in held(session, ann.id)] == [("size", "40")]
        it = session.scalars(select(Import)).one()
        assert (it.state, it.name, it.token, it.owner_id, it.lease_token) == (
            ImportState.DONE, "list.csv", None, None, None,
        )  # fmt: skip


def test_what_cannot_be_leaves_nothing_behind(command: Command, house: Database, tmp_path: Path) -> None:
    file = _file(tmp_path, "email,Size,status\na@example.com,40,snoozed\n")
    for words, told in (
        (("--map", "Nope=email"), "no column is called so"), (("--map", "Size=nope"), "write one of"),
        (("--map", "Size=new:number"), "“snoozed”"), (("--status", "snoozed=maybe"), "one of reader, pending"),
        (("--topic", "Nope"), "there is no topic “Nope”"), (("--sheet", "One"), "is no workbook"),
        (("--map", "status=waved"), "write one of"),
    ):  # fmt: skip
        done = command("subscribers", "import", file, *BASIS, *words)
        assert done.exit_code != 0 and told in " ".join(done.output.split()), (words, done.output)
    assert _people(house) == {}
    with house.reading() as session:
        assert session.scalars(select(Field)).all() == [] and session.scalars(select(Import)).all() == []
    assert command("subscribers", "import", file, *BASIS, "--map", "status=ignore").exit_code == 0


def test_a_workbook_is_read_and_its_sheet_named(command: Command, house: Database, tmp_path: Path) -> None:
    rows = [["email"], ["a@example.com"], ["b@example.com"]]
    file = _file(tmp_path, xlsx({"One": rows, "Two": [["email"], ["c@example.com"]]}, hidden_rows=(3,)), "list.xlsx")
    done = command("subscribers", "import", file, *BASIS)
    assert done.exit_code == 1 and "has 2 sheets: “One”, “Two”" in done.output
    done = command("subscribers", "import", file, *BASIS, "--sheet", "One", "--dry-run")
    assert "sheet “One” of a workbook" in done.output and "1 row is hidden" in done.output and "2 added" in done.output
    assert command("subscribers", "import", file, *BASIS, "--sheet", "One", "--visible-rows").exit_code == 0
    assert _people(house) == {"a@example.com": "confirmed"}
    done = command("subscribers", "import", _file(tmp_path, b"PK\x03\x04nothing", "x.xlsx"), *BASIS)
    assert done.exit_code == 1 and "damaged" in done.output


@pytest.mark.parametrize("named", [True, False])
def test_topics_are_those_named(named: bool, command: Command, house: Database, tmp_path: Path) -> None:
    with house.transaction() as session:
        topics.add(session, "Golf", NOON)
    done = command("subscribers", "import", _file(tmp_path, "email\na@example.com\n"), *BASIS,
                   *(("--topic", "Golf") if named else ()))  # fmt: skip
    assert done.exit_code == 0
    with house.reading() as session:
        assert session.scalars(select(Subscriber.every_topic)).all() == [not named]
