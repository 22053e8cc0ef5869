"""The examples from the command line."""

from sqlalchemy import func, select

from newsletter.accounts import AuditEntry
from newsletter.articles import Article
from newsletter.db import Database
from tests.cli.conftest import Command


def test_they_are_listed_and_removed(command: Command, house: Database) -> None:
    told = command("examples", "list").output
    assert "article   goes" in told and "guide     only with --guides" in told
    assert command("examples", "remove", input="n\n").exit_code == 1
    with house.reading() as session:
        assert session.scalar(select(func.count(Article.id))) == 19
    assert command("examples", "remove", "--yes").output.endswith("Removed: 24\n")
    assert command("examples", "remove", "--guides", input="y\n").output.endswith("Removed: 2\n")
    assert command("examples", "list").output == "Nothing is left of the examples.\n"
    with house.reading() as session:
        noted = session.scalars(select(AuditEntry).where(AuditEntry.action == "examples removed")).all()
        assert [one.owner_id for one in noted] == [None, None]


def test_what_stays_is_told(command: Command, house: Database) -> None:
    with house.transaction() as session:
        session.get_one(Article, 1).revise(session.get_one(Article, 1).created_at, subject="M", preheader="", body="M.")
    told = command("examples", "remove", "--yes").output
    assert "article   stays: changed" in told and "series    stays: changed" in told
