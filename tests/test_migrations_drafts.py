"""Migrations 0100 and 0101: drafts come and go; who wrote a revision, and which words were scheduled, is told."""

from sqlalchemy import inspect, select

from newsletter import accounts, articles, drafts, schema
from newsletter.articles import Revision
from newsletter.brand import current
from newsletter.campaigns import Campaign
from newsletter.drafts import Draft, Place
from newsletter.runtime import Runtime
from tests.conftest import NOON
from tests.test_migrations import back_to

BEFORE = "0071"


def test_drafts_go_down_and_up_again_and_every_revision_stays(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        paula = accounts.create(session, "paula@example.org", "a long enough password", NOON)
        article = articles.write(session, NOON, title="Golf 2", subject="Golf", body="Turn.")
        article.revise(NOON, subject="Golf", preheader="", body="Turn slowly.")
        article.revise(NOON, subject="Golf", preheader="", body="Sent by a command.")
        id = article.id
        accounts.note(session, paula, NOON, "article written", f"{id} Golf 2")
        accounts.note(session, paula, NOON, "article saved", f"{id} revision 2 Golf 2")
        accounts.note(session, None, NOON, "article saved", f"{id} revision 3 Golf 2")
        accounts.note(session, paula, NOON, "article saved", "nonsense")
        drafts.keep(session, Place(paula.id, "a" * 20, id, 3), {"body": "typed"}, NOON)
    back_to(BEFORE, database)
    assert "drafts" not in inspect(database.engine).get_table_names()
    assert "author_id" not in {one["name"] for one in inspect(database.engine).get_columns("revisions")}
    schema.upgrade(database)
    with database.transaction() as session:
        rows = session.scalars(select(Revision).where(Revision.article_id == id).order_by(Revision.number)).all()
        assert [(one.body, one.author_id) for one in rows] == [
            ("Turn.", paula.id), ("Turn slowly.", paula.id), ("Sent by a command.", None),
        ]  # fmt: skip
        assert session.scalars(select(Draft)).all() == []
        drafts.keep(session, Place(paula.id, "a" * 20, id, 3), {"body": "again"}, NOON)


def test_what_was_scheduled_before_counts_as_scheduled_with_the_words_of_now(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        article = articles.write(session, NOON, title="Golf", subject="Golf", body="Turn.")
        article.revise(NOON, subject="Golf", preheader="", body="Turn slowly.")
        scheduled, draft = (Campaign(article=article, created_at=NOON) for _ in range(2))
        session.add_all([scheduled, draft])
        scheduled.schedule(NOON, current(session))
        session.flush()
        ids, newest = (scheduled.id, draft.id), article.current.id
    back_to("0100", database)
    schema.upgrade(database)
    with database.reading() as session:
        assert [session.get_one(Campaign, id).scheduled_revision_id for id in ids] == [newest, None]
        assert session.get_one(Campaign, ids[0]).scheduled_at == NOON
