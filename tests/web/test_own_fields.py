"""Fields of the owner's in sign-up forms, wherever they stand: asked, checked, held back until the press."""

import json
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from newsletter import forms
from newsletter.runtime import Runtime
from newsletter.smtp import SentList
from newsletter.subscribers import Field, FieldKind, Subscriber, TypedValue, held, set_values
from tests.conftest import NOON
from tests.web.conftest import PAIN, Visitor
from tests.web.conftest import forms as forms_of
from tests.web.test_embed import post, proof

Inbox = Callable[[str], list[EmailMessage]]
JANE = "jane@example.com"
WHERE = [f"/f/{PAIN}", f"/guides/{PAIN}", f"/embed/{PAIN}"]
GOOD = {
    "field_city": "Leeds",
    "field_born": "1960-05-31",
    "field_size": "42,5",
    "field_plan": "gold",
    "field_member": "yes",
}
HELD = ["Leeds", "1960-05-31", "42.5", "Gold", "yes"]


@pytest.fixture(autouse=True)
def asking(runtime: Runtime) -> None:
    """The form for the pain guide asks for one field of each kind, and for one that was deleted since."""
    kinds = {"city": FieldKind.TEXT, "born": FieldKind.DATE, "size": FieldKind.NUMBER, "plan": FieldKind.CHOICE,
             "member": FieldKind.YES_NO}  # fmt: skip
    with runtime.database.transaction() as session:
        for key, kind in kinds.items():
            choices = ["Gold", "<b>Silver</b>"] if kind is FieldKind.CHOICE else []
            label = 'Your "town" & <county>' if key == "city" else key.title()
            session.add(Field(key=key, label=label, kind=kind, choices=choices, created_at=NOON))
        form = forms.named(session, PAIN)
        assert form is not None
        form.asks_fields = [*kinds, "gone"]


def values(runtime: Runtime, email: str = JANE) -> list[str]:
    """What is held of a person, in the order of the fields."""
    with runtime.database.reading() as session:
        person = session.scalars(select(Subscriber).where(Subscriber.email_key == email)).one()
        return [value for _, value in held(session, person.id)]


@pytest.mark.parametrize("where", WHERE)
def test_a_form_asks_and_the_press_takes_it_over(
    where: str, visitor: Visitor, runtime: Runtime, inbox: Inbox, link: Callable[..., str]
) -> None:
    assert visitor.press(where, email=JANE, **GOOD).status_code in (200, 303)
    assert values(runtime) == []
    (mail,) = inbox(JANE)
    assert not [word for word in (b"Leeds", b"1960", b"Gold") if word in mail.as_bytes()]
    page = visitor.get(link("confirm"))
    shown = ["Leeds", "31 May 1960", "42.5", "Gold", "yes"]
    assert all(value in page.text for value in shown) and "your yes keeps it" in page.text
    visitor.press(link("confirm"))
    assert values(runtime) == HELD


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("field_born", "31/05/1960", "year-month-day"),
        ("field_size", "<script>", "type a number"),
        ("field_plan", "Platinum", "choose one of"),
        ("field_member", "perhaps", "yes or no"),
        ("field_city", "x" * 10_240, "too long"),
    ],
)
def test_what_a_field_cannot_hold_is_told_beside_it_and_nothing_typed_is_lost(
    where: str, name: str, typed: str, told: str, visitor: Visitor, runtime: Runtime, sent: SentList
) -> None:
    page = visitor.press(where, email=JANE, first_name="Jane", **GOOD | {name: typed})
    assert page.status_code == 422 and told in page.text and "<script>" not in page.text.replace("<script nonce", "")
    again = next(one for one in forms_of(page) if one.fields.get("email"))
    assert (again.fields["email"], again.fields["first_name"]) == (JANE, "Jane")
    assert again.fields["field_city"] == (typed if name == "field_city" else "Leeds")
    assert sent.envelopes == []
    with runtime.database.reading() as session:
        assert session.scalar(select(Subscriber.id)) is None


def test_labels_and_choices_are_only_ever_shown(visitor: Visitor) -> None:
    for where in WHERE:
        page = visitor.get(where).text
        assert "<county>" not in page and "<b>Silver" not in page and "field_gone" not in page


def test_plain_html_of_another_site_is_asked_with_what_was_typed(
    visitor: Visitor, runtime: Runtime, link: Callable[..., str], sent: SentList
) -> None:
    page = visitor.browser.post(f"/f/{PAIN}", data={"email": JANE, **GOOD, "field_gone": "x", "field_email": "y"})
    assert "One more press" in page.text and sent.envelopes == []
    correct = visitor.browser.post(f"/f/{PAIN}", data=forms_of(page)[1].fields)
    assert forms_of(correct)[0].fields["field_city"] == "Leeds"
    assert "Check your inbox" in visitor.browser.post(f"/f/{PAIN}", data=forms_of(page)[0].fields).text
    visitor.press(link("confirm"))
    assert values(runtime) == HELD


def test_json_takes_them_by_their_keys(visitor: Visitor, runtime: Runtime, link: Callable[..., str]) -> None:
    told = {name.removeprefix("field_"): value for name, value in GOOD.items()}
    assert post(visitor, email=JANE, proof=proof(visitor), fields=told).json["state"] == "done"
    visitor.press(link("confirm"))
    assert values(runtime) == HELD


@pytest.mark.parametrize(
    "told",
    [None, [], "x", 7, {"city": None}, {"city": ["a"]}, {"gone": "x"}, {"email": "eve@example.com"}, {"": "x"},
     {"__class__": "x"}, {"city": "\ud800"}, {"csrf_token": "x"}, {str(n): "x" for n in range(1000)}],
)  # fmt: skip
def test_json_that_holds_anything_else_is_no_answer(told: object, visitor: Visitor, runtime: Runtime) -> None:
    answer = post(visitor, email=JANE, proof=proof(visitor), fields=told)
    assert answer.json["state"] == "done"
    with runtime.database.reading() as session:
        assert session.scalars(select(Subscriber.email)).all() == [JANE]
        assert session.scalars(select(TypedValue.value)).all() == []


def test_json_names_the_answer_that_is_wrong(visitor: Visitor) -> None:
    answer = post(visitor, email=JANE, proof=proof(visitor), fields={"born": "yesterday"})
    assert answer.status_code == 422 and set(answer.json["errors"]) == {"field_born"}


def test_the_script_knows_what_to_ask_and_stays_small(visitor: Visitor) -> None:
    answer = visitor.browser.get(f"/embed/{PAIN}.js", headers={"Accept-Encoding": "gzip"})
    assert len(answer.data) <= 6000
    code = visitor.get(f"/embed/{PAIN}.js").text
    told = json.loads(code[code.rindex("})({") + 3 : code.rindex(',"')])["fields"]
    assert [one["key"] for one in told] == ["city", "born", "size", "plan", "member"]
    assert told[1]["type"] == "date" and [value for value, _ in told[3]["choices"]] == ["", "Gold", "<b>Silver</b>"]


def test_a_stranger_changes_nothing_of_a_reader_s_before_their_press(
    visitor: Visitor, runtime: Runtime, person: Callable[..., int], link: Callable[..., str]
) -> None:
    id = person(JANE, "Jane")
    with runtime.database.transaction() as session:
        city = session.scalars(select(Field).where(Field.key == "city")).one()
        set_values(session, id, {city: "York"})
    assert visitor.press(f"/f/{PAIN}", email=JANE, field_city="Leeds").status_code == 303
    assert values(runtime) == ["York"]
    page = visitor.get(link("confirm"))
    assert "Leeds" in page.text
    visitor.press(link("confirm"))
    assert values(runtime) == ["Leeds"]


def test_a_reader_sees_changes_and_empties_their_own_answers(
    visitor: Visitor, runtime: Runtime, link: Callable[..., str]
) -> None:
    visitor.press(f"/f/{PAIN}", email=JANE, **GOOD)
    visitor.press(link("confirm"))
    page = visitor.get(link("preferences"))
    assert forms_of(page)[0].fields["field_city"] == "Leeds"
    wrong = visitor.press(link("preferences"), field_born="31/05/1960", field_city="Hull")
    assert wrong.status_code == 422 and "year-month-day" in wrong.text and values(runtime) == HELD
    visitor.press(link("preferences"), field_city="Hull", field_plan="")
    assert values(runtime) == ["Hull", "1960-05-31", "42.5", "yes"]
    token_only = {name: value for name, value in forms_of(page)[0].fields.items() if not name.startswith("field_")}
    assert visitor.browser.post(link("preferences"), data=token_only).status_code == 303
    assert values(runtime) == ["Hull", "1960-05-31", "42.5", "yes"], "what was not sent was not emptied"


def test_who_has_everything_is_asked_about_the_answers_alone(
    visitor: Visitor, runtime: Runtime, person: Callable[..., int], link: Callable[..., str]
) -> None:
    person(JANE, "Jane")
    with runtime.database.transaction() as session:
        form = forms.named(session, "footer")
        assert form is not None
        form.asks_fields = ["city"]
    assert visitor.press("/f/footer", email=JANE, field_city="Leeds").status_code == 303
    page = visitor.get(link("confirm"))
    assert "Shall we take this over?" in page.text and "Leeds" in page.text and values(runtime) == []
    visitor.press(link("confirm"))
    assert values(runtime) == ["Leeds"]
