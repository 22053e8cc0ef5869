"""Addresses as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.subscribers import BadAddress, read_address


@pytest.mark.parametrize(
    ("typed", "email", "key"),
    [
        ("jane@example.com", "jane@example.com", "jane@example.com"),
        ("  Jane.Doe@Example.COM ", "Jane.Doe@example.com", "jane.doe@example.com"),
        ("jane+news@example.com", "jane+news@example.com", "jane+news@example.com"),
        ("o'brien@example.ie", "o'brien@example.ie", "o'brien@example.ie"),
        ("jane@bücher.example", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("jane@BÜCHER.example", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example", "jane@xn--bcher-kva.example"),
        ("Jürgen@example.de", "Jürgen@example.de", "jürgen@example.de"),
        ("ß@straße.example", "ß@xn--strae-oqa.example", "ß@xn--strae-oqa.example"),
        ("\u200bjane@example.com\ufeff", "jane@example.com", "jane@example.com"),
        ("\u202ajane@example.com\u202c ", "jane@example.com", "jane@example.com"),
        ("\u3164jane\ufe0f@example.com\u2800", "jane@example.com", "jane@example.com"),
        ("ja\u034fne@exam\u2063ple.com\U000e0020", "jane@example.com", "jane@example.com"),
        ("ja\xadne\u2060@exam\u200dple.com", "jane@example.com", "jane@example.com"),
    ],
)
def test_good_addresses_and_the_person_they_mean(typed: str, email: str, key: str) -> None:
    address = read_address(typed)
    assert (address.email, address.key) == (email, key)


@pytest.mark.parametrize(("one", "other"), [("weiß", "weiss"), ("ﬁ", "fi"), ("ſ", "s"), ("οδός", "οδόσ")])
def test_what_only_a_search_takes_for_the_same_is_two_people(one: str, other: str) -> None:
    assert read_address(f"{one}@example.com").key != read_address(f"{other}@example.com").key


BAD = [
    "",
    "   ",
    "jane",
    "@example.com",
    "jane@",
    "jane@@example.com",
    "jane@example",
    "jane@.com",
    "jane@example..com",
    "jane@-example.com",
    "jane@exa mple.com",
    "ja ne@example.com",
    "jane.@example.com",
    ".jane@example.com",
    "ja..ne@example.com",
    "jane@example.com, bob@example.com",
    "jane@example.com\r\nBcc: bob@example.com",
    "jane\r\n@example.com",
    "jane\x00@example.com",
    "<jane@example.com>",
    "Jane <jane@example.com>",
    "jane@[127.0.0.1]",
    "jane@127.0.0.1",
    '"jane doe"@example.com',
    "jane@example.com" + "x" * 300,
    "j" * 65 + "@example.com",
    "x" * 10_000,
    "jane@" + "x" * 10_000 + ".com",
    "jane@\u202eexample.com",
]


@pytest.mark.parametrize("typed", BAD)
def test_what_is_no_address_is_told_in_words(typed: str) -> None:
    with pytest.raises(BadAddress) as error:
        read_address(typed)
    assert error.value.told().startswith(("Please type", "This "))


@given(st.text(max_size=80) | st.text("jane@example.com<>\r\n \t\"',;:()", max_size=40))
def test_nothing_else_gets_through_whatever_is_typed(typed: str) -> None:
    try:
        address = read_address(typed)
    except BadAddress:
        return
    local, _, domain = address.email.rpartition("@")
    assert local and "." in domain and domain.isascii()
    assert not set(address.email) & set("\r\n\0<>, ")
    assert read_address(address.email) == address
