"""Migration 0380: settled topics, pictures of forms and the choice below articles go down and come up empty."""

from sqlalchemy import inspect, select

from newsletter import brand, schema, topics
from newsletter.forms import Form
from newsletter.runtime import Runtime
from tests.test_migrations import back_to


def test_what_is_a_forms_own_goes_down_and_up_again_beside_the_form(runtime: Runtime) -> None:
    database = runtime.database
    with database.transaction() as session:
        first, second = session.scalars(select(Form).order_by(Form.id).limit(2))
        first.fixed_topics = [topics.open_ones(session)[0].id]
        first.picture, first.picture_words = "0" * 20 + "-100x50.png", "A field"
        brand.current(session).article_form_id = second.id
        ids = first.id, second.id
    back_to("0374", database)
    assert "fixed_topics" not in {one["name"] for one in inspect(database.engine).get_columns("forms")}
    schema.upgrade(database)
    with database.reading() as session:
        first, second = (session.get_one(Form, id) for id in ids)
        assert (first.fixed_topics, first.picture, first.picture_words) == ([], None, "")
        # The version before would have asked for every topic under words that named one.
        assert (first.is_open, second.is_open) == (False, True)
        house = brand.current(session)
        assert (house.has_article_forms, house.article_form_id) == (True, None)


def test_a_form_that_is_deleted_gives_way_below_articles(runtime: Runtime) -> None:
    with runtime.database.transaction() as session:
        form = session.scalars(select(Form).order_by(Form.id)).first()
        assert form is not None
        brand.current(session).article_form_id = form.id
        session.flush()
        session.delete(form)
    with runtime.database.reading() as session:
        assert brand.current(session).article_form_id is None
