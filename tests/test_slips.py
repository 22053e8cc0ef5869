"""Slips behind the @: which domain was meant, and which are as good as any."""

from functools import lru_cache

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter import slips, throwaway
from newsletter.slips import PROVIDERS, edits, meant

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
LONG = [one for one in PROVIDERS if len(one.partition(".")[0]) >= 5]


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("gmial.com", "gmail.com"), ("gmai.com", "gmail.com"), ("gmaill.com", "gmail.com"), ("gmail.con", "gmail.com"),
        ("gmail.co", "gmail.com"), ("gmail.cm", "gmail.com"), ("gmail.om", "gmail.com"), ("gnail.con", "gmail.com"),
        ("xn--gmil-1na.com", "gmail.com"), ("hotmial.co.uk", "hotmail.co.uk"), ("hotmail.couk", "hotmail.co.uk"),
        ("hotmal.com", "hotmail.com"), ("outlok.com", "outlook.com"), ("yaho.com", "yahoo.com"),
        ("yahoo.co.k", "yahoo.co.uk"), ("iclould.com", "icloud.com"), ("aol.con", "aol.com"), ("gmx.dee", "gmx.de"),
        ("t-onlin.de", "t-online.de"), ("btinternt.com", "btinternet.com"), ("mail.con", "mail.com"),
    ],
)  # fmt: skip
def test_a_slip_is_known(typed: str, right: str) -> None:
    assert meant(typed) == right


@pytest.mark.parametrize(
    "typed",
    [
        *PROVIDERS, "email.com", "cloud.com", "mail.de", "yahoo.fr", "yahoo.com.au", "hotmail.fr", "live.nl", "gmx.at",
        "outlook.de", "aol.co.uk", "ymail.co.uk", "gmx.fr", "human-movement.com", "example.com", "a.gmail.com",
        "aol.co", "me.de", "mc.com", "sly.com", "wob.de", "gmail.de", "gmail.co.uk", "gmaiiil.com", "hot.com", "com",
        "",        "verizon.com", "orange.es", "bigpond.net.au", "guerrillamail.com", "mailinator.com", "mail", ".",
        "xn--", "xn--a",
    ],
)  # fmt: skip
def test_what_is_no_slip_is_not_asked_about(typed: str) -> None:
    assert meant(typed) is None


def test_no_throw_away_domain_is_taken_for_a_slip() -> None:
    assert [one for one in throwaway.ours() if meant(one)] == []


@lru_cache(None)
def _apart(one: str, other: str) -> int:
    """The same count by its definition."""
    if not one or not other:
        return len(one) + len(other)
    ways = [_apart(one[:-1], other) + 1, _apart(one, other[:-1]) + 1,
            _apart(one[:-1], other[:-1]) + (one[-1] != other[-1])]  # fmt: skip
    if one[-2:] == other[-2:][::-1] and len(one) > 1 < len(other):
        ways.append(_apart(one[:-2], other[:-2]) + 1)
    return min(ways)


words = st.text("abc", max_size=7)


@given(words, words)
def test_edits_are_counted_as_defined(one: str, other: str) -> None:
    assert edits(one, other) == edits(other, one) == _apart(one, other)


@st.composite
def slipped(draw: st.DrawFn) -> tuple[str, str]:
    """A provider with a long name, and one slip in that name."""
    right = draw(st.sampled_from(LONG))
    name, _, end = right.partition(".")
    at, letter = draw(st.integers(0, len(name) - 1)), draw(st.sampled_from(LETTERS))
    ways = [name[:at] + letter + name[at:], name[:at] + name[at + 1 :], name[:at] + letter + name[at + 1 :],
            name[:at] + name[at : at + 2][::-1] + name[at + 2 :]]  # fmt: skip
    return f"{draw(st.sampled_from(ways))}.{end}", right


@given(slipped())
def test_every_single_slip_in_a_long_name_is_found(both: tuple[str, str]) -> None:
    typed, right = both
    assume(typed not in PROVIDERS and typed not in slips._NEAR_BY)
    name = typed.partition(".")[0]
    assume(not slips._ABROAD.match(typed) and not name.startswith("xn--"))
    found = meant(typed)
    assert found is not None and edits(typed, found) == 1, (typed, right)


@given(st.one_of(st.text(), st.from_regex(r"[a-z-]{1,9}\.(com|co|con|de|co\.uk|net)", fullmatch=True), slipped()))
def test_what_is_suggested_is_near_and_a_provider(typed: str | tuple[str, str]) -> None:
    typed = typed if isinstance(typed, str) else typed[0]
    found = meant(typed)
    assert found is None or (found in PROVIDERS and found != typed and edits(slips._letters(typed), found) <= 2)
    assert meant(found or "gmail.com") is None, "whoever takes what is suggested is not asked again"
