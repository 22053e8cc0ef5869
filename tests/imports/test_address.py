"""Addresses as people and programs put them into cells."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.imports import Flaw, Report
from newsletter.imports.address import BadRow, bare, find_address
from newsletter.subscribers import BadAddress, read_address


@pytest.mark.parametrize(
    "cell",
    [
        "jane@example.com", " jane@example.com ", "\u200bjane@example.com", "jane@\u2060example.com\ufeff",
        "\u202ajane@example.com\u202c", "\xa0jane@example.com", "jane@example\xad.com", "<jane@example.com>",
        "Jane <jane@example.com>", '"Lee, Jane" <jane@example.com>', "mailto:jane@example.com",
        "MAILTO:jane@example.com?subject=Hi", "jane@example.com;", "Jane <mailto:jane@example.com>", "jane@EXAMPLE.com",
        "mailto:jane%40example.com",
    ],
)  # fmt: skip
def test_the_address_is_found(cell: str) -> None:
    assert find_address(bare(cell)).address == read_address("jane@example.com")


def test_the_name_beside_it_is_kept_where_no_column_has_one() -> None:
    assert find_address('"Jane" <jane@example.com>').name == "Jane"


@pytest.mark.parametrize(
    ("cell", "flaw"),
    [
        ("", Flaw.NO_ADDRESS), ("<>", Flaw.NO_ADDRESS), ("mailto:", Flaw.NO_ADDRESS), ("jane", Flaw.BAD_ADDRESS),
        ("jane@", Flaw.BAD_ADDRESS), ("jane@example", Flaw.BAD_ADDRESS), ("@example.com", Flaw.BAD_ADDRESS),
        ("jane@example.com, joe@example.com", Flaw.SEVERAL_ADDRESSES),
        ("a@x.example;b@x.example", Flaw.SEVERAL_ADDRESSES),
        ("a@x.example b@x.example", Flaw.SEVERAL_ADDRESSES), ("jane@@example.com", Flaw.BAD_ADDRESS),
    ],
)  # fmt: skip
def test_what_is_none_is_told(cell: str, flaw: Flaw) -> None:
    with pytest.raises(BadRow) as told:
        find_address(bare(cell))
    assert told.value.flaw is flaw


@pytest.mark.parametrize(
    ("cell", "read"),
    [("'-ann@x.example", "-ann@x.example"), ("''-ann@x.example", "'-ann@x.example"),
     ("'ann@x.example", "'ann@x.example"),
     ("'=1+1", "=1+1"), ("NULL", ""), ("\\N", ""), ("0000-00-00 00:00:00", ""), ("0000-00-00", ""),
     ("0000-00-00T00:00:00Z", ""), ("0000-00-00@x.example", "0000-00-00@x.example")],
)  # fmt: skip
def test_the_guard_of_our_export_is_taken_off(cell: str, read: str) -> None:
    assert bare(cell) == read


_LOCAL = st.from_regex(r"[A-Za-z0-9_+.\-]{1,66}", fullmatch=True)
_DOMAIN = st.sampled_from(
    ["example.com", "EXAMPLE.com", "bücher.example", "a", "x.test", "-a.com", "a..b", "xn--a", "x." * 120 + "com"]
)


@given(_LOCAL, _DOMAIN)
def test_the_short_way_gives_what_the_long_way_gives(local: str, domain: str) -> None:
    typed = f"{local}@{domain}"
    try:
        long = read_address(typed)
    except BadAddress:
        with pytest.raises(BadRow):
            find_address(typed)
        return
    assert find_address(typed).address == long


def test_the_first_address_that_is_there_is_taken(
    bring: Callable[..., Report], statuses: Callable[[], dict[str, str]]
) -> None:
    report = bring(
        "email,first_name,Email Address\na@x.example,A,\n,B,b@x.example\nc@x.example,C,C@x.example\n"
        "d@x.example,D,other@x.example\n,E,\n"
    )
    assert list(statuses()) == ["a@x.example", "b@x.example", "c@x.example", "d@x.example"]
    assert report.remarks == {"second address": 1}
    assert [(one.line, one.flaw) for one in report.bad] == [(6, Flaw.NO_ADDRESS)]
