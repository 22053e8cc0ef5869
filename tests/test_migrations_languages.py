"""Migration 0371: languages of forms and readers go and come back empty; the forms and the readers stay."""

from sqlalchemy import inspect, select

from newsletter import schema
from newsletter.db import Database
from newsletter.forms import Form
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Subscriber, register
from newsletter.subscribers.address import read_address
from newsletter.wordings import wording_id
from tests.conftest import NOON
from tests.test_migrations import back_to

TABLES = ("forms", "subscribers", "consents")


def _has_it(database: Database) -> list[str]:
    look = inspect(database.engine)
    return [table for table in TABLES if "language" in {one["name"] for one in look.get_columns(table)}]


def test_languages_go_down_and_up_again_beside_what_they_were_of(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        jane = register(session, read_address("jane@example.com"), NOON, "Jane", "de")
        words = wording_id(session, "Ja.")
        session.add(Consent(subscriber_id=jane.id, wording_id=words, language="de", given_at=NOON))
        forms = [(one.slug, one.headline) for one in session.scalars(select(Form).order_by(Form.id))]
        session.scalars(select(Form)).first().language = "de"  # type: ignore[union-attr]
    back_to("0370", database)
    assert _has_it(database) == []
    schema.upgrade(database)
    assert _has_it(database) == list(TABLES)
    with database.reading() as session:
        assert session.execute(select(Subscriber.first_name, Subscriber.language)).all() == [("Jane", None)]
        assert session.scalars(select(Consent.language)).all() == [None]
        found = session.scalars(select(Form).order_by(Form.id)).all()
        assert [(one.slug, one.headline) for one in found] == forms and {one.language for one in found} == {None}
