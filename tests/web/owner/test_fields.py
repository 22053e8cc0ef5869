"""Fields of the owner's own: made, renamed, deleted with what uses them; seen and edited at a person; in mails."""

from collections.abc import Callable
from quopri import decodestring

import pytest
from sqlalchemy import func, select

from newsletter import articles, forms
from newsletter.campaigns import Campaign, CampaignState
from newsletter.mail import ledger
from newsletter.mail.ledger import Dispatch
from newsletter.runtime import Runtime
from newsletter.subscribers import Field, FieldKind, FieldValue, Stream, Subscriber, add_field, set_values, values_of
from tests.conftest import NOON
from tests.web.conftest import PAIN
from tests.web.owner.conftest import Desk

People = Callable[..., int]
CITY = {"label": "Your town", "key": "city", "kind": "text", "fallback": "your town", "choices": ""}


@pytest.fixture
def city(runtime: Runtime) -> int:
    """A field for the town."""
    with runtime.database.transaction() as session:
        return add_field(
            session, key="city", label="Town", kind=FieldKind.TEXT, choices=[], fallback="town", now=NOON
        ).id


def count(runtime: Runtime) -> int:
    """How many fields there are."""
    with runtime.database.reading() as session:
        return session.scalar(select(func.count(Field.id))) or 0


def write(runtime: Runtime, body: str) -> int:
    """An article with this text."""
    with runtime.database.transaction() as session:
        return articles.write(session, NOON, title="On walking", subject="s", body=body).id


def test_a_field_is_made_and_listed(desk: Desk, runtime: Runtime) -> None:
    assert "No fields of your own yet" in desk.read("/owner/fields")
    told = desk.told("/owner/fields/new", **CITY)
    assert "Mails name it fields.city" in told and "Your town" in told and "{{ fields.city }}" in told
    assert count(runtime) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"key": "email"}, "means something already"),
        ({"key": "first_name"}, "means something already"),
        ({"key": "My Town"}, "Small letters"),
        ({"key": ""}, "short name"),
        ({"key": "x" * 10_240}, "at most 40"),
        ({"label": ""}, "give it a label"),
        ({"label": "x" * 10_240}, "80 characters"),
        ({"fallback": "x" * 10_240}, "200 characters"),
        ({"kind": "choice"}, "at least two choices"),
        ({"kind": "nonsense"}, "Not a valid choice"),
    ],
)
def test_what_no_field_can_be_is_told_and_what_was_typed_stays(
    desk: Desk, runtime: Runtime, changes: dict[str, str], told: str
) -> None:
    answer = desk.post("/owner/fields/new", **CITY | changes)
    assert answer.status_code == 422 and told in answer.text and count(runtime) == 0
    assert "your town" in answer.text or "fallback" in changes


def test_hostile_labels_are_only_shown(desk: Desk) -> None:
    label = '<script>alert(1)</script> {{ brand.name }} "x'
    page = desk.post("/owner/fields/new", **CITY | {"label": label, "fallback": label}).text
    assert "<script>alert" not in page and "{{ brand.name }}" in page
    for path in ("/owner/fields/1", "/owner/fields/1/delete", "/owner/articles/new"):
        assert "<script>alert" not in desk.get(path)


def test_a_label_is_renamed_and_the_name_in_mails_stays(desk: Desk, runtime: Runtime, city: int) -> None:
    told = desk.told(f"/owner/fields/{city}", label="Where you live", fallback="your place")
    assert "Where you live" in told and "{{ fields.city }}" in told
    assert desk.post(f"/owner/fields/{city}", label="", fallback="x").status_code == 422
    with runtime.database.reading() as session:
        field = session.get_one(Field, city)
        assert (field.key, field.label, field.fallback) == ("city", "Where you live", "your place")


def test_a_field_that_nothing_needs_goes_with_its_values_and_forms_ask_no_more(
    desk: Desk, runtime: Runtime, city: int, person: People
) -> None:
    with runtime.database.transaction() as session:
        set_values(session, person("ann@example.com"), {session.get_one(Field, city): "Leeds"})
        form = forms.named(session, PAIN)
        assert form is not None
        form.asks_fields = ["city"]
    asked = desk.read(f"/owner/fields/{city}/delete")
    assert "1 person has a value in it" in asked and "1 form asks for it" in asked
    assert "is deleted" in desk.told(f"/owner/fields/{city}/delete")
    with runtime.database.reading() as session:
        form = forms.named(session, PAIN)
        assert form is not None and form.asks_fields == []
        assert session.scalar(select(func.count()).select_from(FieldValue)) == 0
    assert desk.post(f"/owner/fields/{city}/delete").status_code == 404, "a second press"


@pytest.mark.parametrize(
    "body", ["In {{ fields.city }}", "{% if fields.city %}x{% endif %}", "[a](https://x.org/{{fields.city|upper}})"]
)
def test_a_field_that_an_article_names_is_not_deleted(desk: Desk, runtime: Runtime, city: int, body: str) -> None:
    article = write(runtime, body)
    answer = desk.post(f"/owner/fields/{city}/delete")
    assert answer.status_code == 409 and "On walking" in answer.text and count(runtime) == 1
    with runtime.database.transaction() as session:
        session.get_one(articles.Article, article).revise(NOON, subject="s", preheader="", body="In fields.citys")
    assert "is deleted" in desk.told(f"/owner/fields/{city}/delete"), "another name that begins so is none of it"


def test_a_field_that_is_on_its_way_is_not_deleted(desk: Desk, runtime: Runtime, city: int, person: People) -> None:
    """The article has other words by now; what goes out has the old ones."""
    id = person("ann@example.com")
    with runtime.database.transaction() as session:
        article = articles.write(session, NOON, title="On walking", subject="s", body="In {{ fields.city }}")
        revision = article.current
        session.flush()
        going = Dispatch(revision_id=revision.id, idempotency_key="campaign:1", created_at=NOON, fill_until=id)
        campaign = Campaign(article=article, created_at=NOON, stored_state=CampaignState.SENDING, dispatch=going)
        session.add(campaign)
        to = session.get_one(Subscriber, id)
        ledger.queue(session, to, Stream.STEP, "step:1:1", NOON, revision=revision, context={"guide": None})
        article.revise(NOON, subject="s", preheader="", body="In town")
    told = desk.read(f"/owner/fields/{city}/delete")
    assert "a campaign that has begun" in told and "1 mail that waits" in told
    assert desk.post(f"/owner/fields/{city}/delete").status_code == 409
    with runtime.database.transaction() as session:
        session.scalars(
            select(Campaign).where(Campaign.dispatch_id.is_not(None))
        ).one().stored_state = CampaignState.SENT
        ledger.cancel(session, NOON, ledger.Reason.SERIES_STOPPED)
    assert "is deleted" in desk.told(f"/owner/fields/{city}/delete")


def test_a_person_s_values_are_shown_edited_and_checked(
    desk: Desk, runtime: Runtime, city: int, person: People
) -> None:
    id = person("ann@example.com", "Ann")
    desk.told("/owner/fields/new", label="Born", key="born", kind="date", fallback="", choices="")
    desk.told("/owner/fields/new", label="Member", key="member", kind="yes_no", fallback="", choices="")
    path = f"/owner/subscribers/{id}"
    wrong = desk.post(f"{path}/edit", first_name="Anna", tags="x", field_city="York", field_born="31.5.1960")
    assert wrong.status_code == 422 and "year-month-day" in wrong.text and 'value="York"' in wrong.text
    assert "Anna" in wrong.text
    told = desk.told(
        f"{path}/edit", first_name="Ann", tags="", field_city="<b>York</b>", field_born="1960-05-31", field_member="no"
    )
    assert "Town <b>York</b>" in told and "Born 31 May 1960" in told and "Member no" in told
    assert "<b>York" not in desk.get(path)
    assert 'value="1960-05-31"' in desk.get(f"{path}/edit")
    desk.told(f"{path}/edit", first_name="Ann", tags="", field_city="", field_born="1960-05-31", field_member="")
    with runtime.database.reading() as session:
        assert list(values_of(session, id).values()) == ["1960-05-31"]
    assert desk.client.get(f"{path}/everything.json").json["fields"] == {"born": "1960-05-31"}


def test_a_form_is_told_what_to_ask(desk: Desk, runtime: Runtime, city: int) -> None:
    with runtime.database.reading() as session:
        form = forms.named(session, PAIN)
        assert form is not None
    path = f"/owner/forms/{form.id}"
    sent = {name: getattr(form, name) for name in ("name", "headline", "words", "button", "consent_words", "ground",
                                                   "ink", "accent", "after_url")}  # fmt: skip
    sent |= {"tags": "", "sequence": "0", "asks_name": "y", "asks_fields": ["city", "gone", "email"]}
    preview = desk.post(f"{path}/preview", follow=False, **sent).text
    assert 'name="field_city"' in preview
    desk.told(path, **sent)
    with runtime.database.reading() as session:
        form = forms.named(session, PAIN)
        assert form is not None and form.asks_fields == ["city"]
    assert 'value="city" checked' in desk.get(path)
    assert "name=&#34;field_city&#34;" in desk.get(f"{path}/code")


def test_an_article_may_name_it_and_is_shown_as_a_reader_gets_it(
    desk: Desk, runtime: Runtime, city: int, person: People
) -> None:
    assert "{{ fields.city }}" in desk.read("/owner/articles/new")
    words = {"title": "On walking", "subject": "For {{ fields.city }}", "preheader": "", "topic": "", "base": ""}
    wrong = desk.post("/owner/articles/new", **words, body="In {{ fields.citty }}")
    assert "Did you mean fields.city?" in wrong.text
    desk.told("/owner/articles/new", **words, body="In {{ fields.city }}.")
    ann = person("ann@example.com")
    with runtime.database.transaction() as session:
        article = session.scalars(select(articles.Article.id).order_by(articles.Article.id.desc())).first()
        set_values(session, ann, {session.get_one(Field, city): "Leeds"})
    assert "In town." in desk.get(f"/owner/articles/{article}/preview")
    assert "In Leeds." in desk.get(f"/owner/articles/{article}/preview?subscriber={ann}")


def test_a_test_mail_has_the_fall_back(desk: Desk, runtime: Runtime, city: int, sent) -> None:  # type: ignore[no-untyped-def]
    article = write(runtime, "In {{ fields.city }}.")
    desk.told(f"/owner/articles/{article}/test", number="1")
    assert b"In town." in decodestring(sent.envelopes[-1].data)


def test_people_are_exported_with_their_values(desk: Desk, runtime: Runtime, city: int, person: People) -> None:
    id = person("ann@example.com", "Ann")
    with runtime.database.transaction() as session:
        set_values(session, id, {session.get_one(Field, city): "=Leeds"})
    answer = desk.client.get("/owner/subscribers/export.csv")
    assert answer.status_code == 200, answer.status_code
    head, row = answer.text.splitlines()[:2]
    assert head.endswith("tags,fields.city") and row.endswith(",'=Leeds")
