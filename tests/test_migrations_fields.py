"""Migrations 0027 and 0028: fields come and go, and nothing else of a database full of people is lost on the way."""

from collections.abc import Callable

from sqlalchemy import inspect, select, text

from newsletter import forms, schema
from newsletter.runtime import Runtime
from newsletter.subscribers import Consent, Field, Subscriber, TypedValue, set_values, values_of
from newsletter.wordings import wording_id
from tests.conftest import NOON
from tests.test_migrations import back_to


def test_fields_go_down_and_up_again_and_everything_else_stays(runtime: Runtime, person: Callable[..., int]) -> None:
    database, id = runtime.database, person("jane@example.com", "Jane")
    with database.transaction() as session:
        city = Field(key="city", label="Town", created_at=NOON)
        consent = Consent(subscriber_id=id, wording_id=wording_id(session, "As read."), given_at=NOON)
        session.add_all([city, consent])
        session.flush()
        session.add(TypedValue(consent_id=consent.id, field_id=city.id, value="Hull"))
        set_values(session, id, {city: "Leeds"})
        before = [(one.slug, one.name, one.tags) for one in forms.every(session)]
        forms.every(session)[0].asks_fields = ["city"]
    back_to("0026", database)
    tables = set(inspect(database.engine).get_table_names())
    assert not tables & {"fields", "field_values", "typed_values"}
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT first_name FROM subscribers")).scalars().all() == ["Jane"]
        assert connection.execute(text("SELECT wording FROM consents")).scalars().all() == ["As read."]
    schema.upgrade(database)
    with database.transaction() as session:
        assert [(one.slug, one.name, one.tags) for one in forms.every(session)] == before
        assert all(one.asks_fields == [] for one in forms.every(session))
        assert session.scalars(select(Field)).all() == [] and values_of(session, id) == {}
        city = Field(key="city", label="Town", created_at=NOON)
        session.add(city)
        session.flush()
        set_values(session, id, {city: "York"})
        session.delete(session.get_one(Subscriber, id))
        session.flush()
        assert session.execute(text("SELECT count(*) FROM field_values")).scalar_one() == 0
