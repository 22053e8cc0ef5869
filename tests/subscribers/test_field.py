"""Fields of the owner's own: what each takes, how it is held, and what no field may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.db import Database
from newsletter.subscribers import (
    BadField,
    BadValue,
    Field,
    FieldKind,
    FieldValue,
    add_field,
    change_field,
    delete_field,
    set_values,
    values_of,
)
from newsletter.subscribers.field import LONGEST_VALUE, MOST_FIELDS, RESERVED
from tests.conftest import NOON
from tests.mail.ledger.test_own_fields import People

COLOURS = ["Red", "Green", "light blue"]


def made(kind: FieldKind = FieldKind.TEXT) -> Field:
    """A field that is stored nowhere."""
    choices = COLOURS if kind is FieldKind.CHOICE else []
    return Field(key="one", label="One", kind=kind, choices=choices, created_at=NOON)


@pytest.mark.parametrize(
    ("kind", "typed", "held"),
    [
        (FieldKind.TEXT, "  St. Ives\t(Cornwall)\r\n ", "St. Ives (Cornwall)"),
        (FieldKind.TEXT, "\0\x07a\u202eb\ufeff\u200b", "ab"),
        (FieldKind.TEXT, "e\u0301", "é"),
        (FieldKind.TEXT, "{{ first_name }} <b>", "{{ first_name }} <b>"),
        (FieldKind.TEXT, " \u200b ", ""),
        (FieldKind.NUMBER, "12", "12"),
        (FieldKind.NUMBER, "-012,50", "-12.5"),
        (FieldKind.NUMBER, "1200.0", "1200"),
        (FieldKind.NUMBER, "-0.0", "0"),
        (FieldKind.NUMBER, "999999999999999.1234567891", "999999999999999.1234567891"),
        (FieldKind.DATE, "1960-05-31", "1960-05-31"),
        (FieldKind.CHOICE, "LIGHT  blue", "light blue"),
        (FieldKind.YES_NO, "True", "yes"),
        (FieldKind.YES_NO, "off", "no"),
        *((kind, "", "") for kind in FieldKind),
    ],
)
def test_a_value_is_held_in_one_form(kind: FieldKind, typed: str, held: str) -> None:
    assert made(kind).read(typed) == held


@pytest.mark.parametrize(
    ("kind", "typed", "told"),
    [
        (FieldKind.NUMBER, "1,200", "1200 or 12.5"),
        (FieldKind.NUMBER, "twelve", "please type a number"),
        (FieldKind.NUMBER, "nan", "please type a number"),
        (FieldKind.NUMBER, "1e400", "please type a number"),
        (FieldKind.NUMBER, "9" * 400, "please type a number"),
        (FieldKind.NUMBER, "١٢", "please type a number"),
        (FieldKind.DATE, "31/05/1960", "1960-05-31"),
        (FieldKind.DATE, "2026-02-30", "1960-05-31"),
        (FieldKind.CHOICE, "Blue", "Red, Green, light blue"),
        (FieldKind.YES_NO, "perhaps", "yes or no"),
        (FieldKind.TEXT, "x" * 501, "501 characters"),
        (FieldKind.TEXT, "x" * 10_240, "too long"),
        (FieldKind.DATE, "1" * 10_240, "too long"),
    ],
)
def test_what_it_cannot_hold_is_refused_with_what_to_type(kind: FieldKind, typed: str, told: str) -> None:
    with pytest.raises(BadValue) as error:
        made(kind).read(typed)
    assert told in error.value.told()


@given(kind=st.sampled_from(FieldKind), typed=st.text(max_size=600))
def test_what_is_held_reads_as_itself(kind: FieldKind, typed: str) -> None:
    """So an export comes back as it went out."""
    field = made(kind)
    try:
        held = field.read(typed)
    except BadValue:
        return
    assert field.read(held) == held and len(held) <= LONGEST_VALUE


@pytest.mark.parametrize(
    ("key", "told"),
    [
        *((key, "means something already") for key in ("email", "first_name", "greeting", "tags", "unsubscribe_url")),
        ("", "short name"),
        ("City", "Small letters"),
        ("my city", "Small letters"),
        ("1st", "Small letters"),
        ("_x", "Small letters"),
        ("city.name", "Small letters"),
        ("ort\n", None),
        ("größe", "Small letters"),
        ("__class__", "Small letters"),
        ("x" * 41, "at most 40"),
    ],
)
def test_a_key_that_means_something_else_or_nothing_is_refused(database: Database, key: str, told: str | None) -> None:
    with database.transaction() as session:
        if told is None:
            assert _add(session, key).key == key.strip()
            return
        with pytest.raises(BadField, match=told) as refused:
            _add(session, key)
        assert refused.value.part == "key"


def _add(session, key="city", label="Town", kind=FieldKind.TEXT, choices=(), fallback=""):  # type: ignore[no-untyped-def]
    return add_field(session, key=key, label=label, kind=kind, choices=list(choices), fallback=fallback, now=NOON)


def test_every_reserved_key_would_be_a_key_otherwise() -> None:
    assert all(name == name.lower() and name.isidentifier() for name in RESERVED)


def test_two_fields_have_neither_one_key_nor_one_label(database: Database) -> None:
    with database.transaction() as session:
        _add(session)
        with pytest.raises(BadField, match="is a field “city” already"):
            _add(session, label="Other")
        with pytest.raises(BadField, match="called “TOWN” already") as refused:
            _add(session, key="town", label="TOWN")
        assert refused.value.part == "label"


def test_the_two_hundred_and_first_is_refused(database: Database) -> None:
    with database.transaction() as session:
        session.add_all(Field(key=f"f{n}", label=f"F {n}", created_at=NOON) for n in range(MOST_FIELDS))
        session.flush()
        with pytest.raises(BadField, match="the most"):
            _add(session)


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        (["one"], "at least two"),
        (["a", "A", " "], "at least two"),
        ([str(n) for n in range(101)], "100"),
        (["x" * 81, "y"], "80"),
    ],
)
def test_choices_that_leave_nothing_to_choose_are_refused(database: Database, choices: list[str], told: str) -> None:
    with database.transaction() as session, pytest.raises(BadField, match=told):
        _add(session, kind=FieldKind.CHOICE, choices=choices)


def test_another_label_changes_no_name_and_no_value(database: Database, person: People) -> None:
    id = person("ann@example.com")
    with database.transaction() as session:
        field = _add(session)
        set_values(session, id, {field: "Leeds"})
        change_field(session, field, label="Where you live", choices=["ignored", "here"], fallback=" your\ntown ")
        assert (field.key, field.label, field.fallback, field.choices) == ("city", "Where you live", "your town", [])
        assert values_of(session, id) == {field.id: "Leeds"}


def test_a_value_is_set_changed_and_taken_away(database: Database, person: People) -> None:
    ann, bob = person("ann@example.com"), person("bob@example.com")
    with database.transaction() as session:
        city, size = _add(session), _add(session, "size", "Size", FieldKind.NUMBER)
        set_values(session, ann, {city: "LEEDS", size: "42.5"})
        set_values(session, bob, {city: "York"})
        set_values(session, ann, {city: "London"})  # the size stays
        assert values_of(session, ann) == {city.id: "London", size.id: "42.5"}
        rows = {(one.field_id, one.folded, one.number) for one in session.scalars(select(FieldValue))}
        assert rows == {(city.id, "london", None), (city.id, "york", None), (size.id, "42.5", 42.5)}
        set_values(session, ann, {city: "", size: ""})
        assert values_of(session, ann) == {}
        assert values_of(session, bob) == {city.id: "York"}


def test_a_field_goes_with_what_it_holds(database: Database, person: People) -> None:
    id = person("ann@example.com")
    with database.transaction() as session:
        city, size = _add(session), _add(session, "size", "Size", FieldKind.NUMBER)
        set_values(session, id, {city: "Leeds", size: "1"})
        delete_field(session, city)
        assert values_of(session, id) == {size.id: "1"}


def test_the_longest_value_of_any_script_can_be_held(database: Database, person: People) -> None:
    """An index of PostgreSQL takes 2,704 octets."""
    id = person("ann@example.com")
    with database.transaction() as session:
        field = _add(session)
        for letter in ("x", "ß", "ΐ", "👩", "ﬃ"):
            set_values(session, id, {field: field.read(letter * LONGEST_VALUE)})
            assert values_of(session, id)[field.id][0] == letter
