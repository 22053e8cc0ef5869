"""Columns and what they are: proposals, what is refused, and the words of the command."""

import pytest

from newsletter.imports.columns import Role, recognise
from newsletter.imports.mapping import (
    FIELD,
    LEFT_OUT,
    ROLES,
    WAVED,
    BadMapping,
    Meaning,
    changed,
    guessed_kind,
    key_for,
    mapped,
    propose,
)
from newsletter.subscribers import Field, FieldKind
from newsletter.subscribers.field import RESERVED
from tests.conftest import NOON

TOWN = Field(id=7, key="town", label="Home town", kind=FieldKind.TEXT, created_at=NOON)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "2.5", "-3", ""], FieldKind.NUMBER), (["yes", "NO", "", "ja"], FieldKind.YES_NO),
        (["0", "1", "1"], FieldKind.NUMBER), (["2024-01-31", "2023-05-01"], FieldKind.DATE),
        (["31/01/2024", "12/02/2024"], FieldKind.DATE),
        (["red", "Red", "blue", "red", "blue", "red"], FieldKind.CHOICE),
        (["red", "blue", "green"], FieldKind.TEXT), ([], FieldKind.TEXT), (["", " "], FieldKind.TEXT),
        (["0049123", "0049124"], FieldKind.TEXT), (["red", "red", "red"], FieldKind.TEXT),
    ],
)  # fmt: skip
def test_kinds_are_guessed_by_what_stands_in_a_column(values: list[str], kind: FieldKind) -> None:
    assert guessed_kind(values) is kind


def test_a_proposal_says_what_the_headings_say() -> None:
    columns = recognise(["E-Mail", "Vorname", "State", "Home town", "Whatever", "unsub_time"], [TOWN])
    rows = [["a@example.com", "Ann", "NY", "York", "", ""]]
    assert [one.what for one in propose(columns, rows)] == [
        "email", "first_name", LEFT_OUT, "field:town", LEFT_OUT, "unsubscribed",
    ]  # fmt: skip
    rows = [["a@example.com", "Ann", "active", "York", "", ""]]
    assert propose(columns, rows)[2].what == "status"


def test_every_role_can_be_chosen_and_comes_out_as_itself() -> None:
    headings = [f"column {number}" for number in range(len(ROLES))]
    chosen = mapped(recognise(headings), [Meaning(code) for code in ROLES])
    assert {role: places[0] for role, places in chosen.places.items()} == {
        role: place for place, role in enumerate(ROLES.values())
    }
    assert set(ROLES.values()) == set(Role) - {Role.STATE} and chosen.own == {}


def test_what_nobody_said_is_not_read_and_what_tells_who_wants_mail_is_asked_about() -> None:
    columns = recognise(["email", "name", "blocklisted"])
    with pytest.raises(BadMapping, match="“blocklisted” tells who wants mail") as wrong:
        mapped(columns, [Meaning("email"), Meaning(), Meaning()])
    assert wrong.value.place == 2
    chosen = mapped(columns, [Meaning("email"), Meaning(), Meaning(WAVED)])
    assert chosen.places == {Role.EMAIL: (0,)} and chosen.waved == {2} and chosen.unused == ("name", "blocklisted")


def test_mailchimps_people_who_never_agreed_stay_so_whatever_is_left_out() -> None:
    columns = recognise(["Email Address", "OPTIN_TIME", "CONFIRM_TIME", "LEID"])
    chosen = mapped(columns, [Meaning("email"), Meaning(), Meaning("confirmed"), Meaning()])
    assert chosen.opting == (1, 2)


def test_fields_are_filled_once_and_are_there() -> None:
    columns = recognise(["email", "a", "b"], [TOWN])
    for meanings, told in (
        ([Meaning("email"), Meaning(f"{FIELD}town"), Meaning(f"{FIELD}town")], "Two columns fill"),
        ([Meaning("email"), Meaning(f"{FIELD}gone"), Meaning()], "has been deleted"),
        ([Meaning("email"), Meaning("new:text", "home TOWN"), Meaning()], "There is a field"),
        ([Meaning("email"), Meaning("new:text", "x" * 81), Meaning()], "80 characters"),
        ([Meaning("email"), Meaning()], "other columns"), ([Meaning(), Meaning(), Meaning()], "e-mail addresses"),
    ):  # fmt: skip
        with pytest.raises(BadMapping, match=told):
            mapped(columns, meanings)
    own = mapped(columns, [Meaning("email"), Meaning("new:number", "Size"), Meaning(f"{FIELD}town")]).own
    assert {place: field.key for place, field in own.items()} == {1: "size", 2: "town"}


def test_keys_are_free_and_mean_nothing_else() -> None:
    assert key_for("Schuh-Größe", ["schuh_gro_e"]).startswith("schuh_gro")
    assert key_for("City", ["city", "city_2"]) == "city_3"
    assert (
        key_for("E-Mail", []) not in RESERVED and key_for("123", []) == "field_123" and key_for("東京", []) == "field"
    )
    assert len(key_for("x" * 100, [])) <= 40


def test_the_command_names_columns_by_their_headings() -> None:
    columns = recognise(["E-Mail", "Old Status", "Town", "Town"], [TOWN])
    found = changed(columns, [], ["old status=status", "Town=town", "E-Mail=email"])
    assert [one.what for one in found] == ["email", "status", "field:town", "field:town"]
    assert changed(columns, [], ["Town=new:yes_no", "Old_Status=ignore"])[1:3] == [
        Meaning(WAVED, "Old Status"), Meaning("new:yes_no", "Town"),
    ]  # fmt: skip
    for word, told in (("Nope=email", "no column is called so"), ("Town", "no column"), ("Town=nope", "write one of")):
        with pytest.raises(BadMapping, match=told):
            changed(columns, [], [word])


def test_a_meaning_is_kept_and_comes_back() -> None:
    for one in (Meaning(), Meaning("new:choice", "Size", ("S", "M"))):
        assert Meaning.of_json(one.as_json()) == one
