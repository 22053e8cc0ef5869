"""Links to where else readers find the owner."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.follow import LONGEST, MOST, BadFollow, FollowLink, links, read


def test_a_place_is_called_as_readers_know_it_else_by_its_host() -> None:
    typed = "https://www.instagram.com/kate\r\n\n https://kate.bsky.social/x \nhttps://m.youtube.com/@kate\nhttps://notx.com/"
    assert links(read(typed)) == [
        FollowLink("Instagram", "https://www.instagram.com/kate"),
        FollowLink("kate.bsky.social", "https://kate.bsky.social/x"),
        FollowLink("YouTube", "https://m.youtube.com/@kate"),
        FollowLink("notx.com", "https://notx.com/"),
    ]


def test_the_same_twice_stands_once() -> None:
    assert read("https://x.com/a\nhttps://x.com/a") == "https://x.com/a"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("javascript:alert(1)", "“javascript:alert(1)” is no address"),
        ("instagram.com/kate", "begins with https://"),
        ("https://", "no address"),
        ("https://[::1/", "no address"),
        ("https://x.com/ a", "no address"),
        ("https://x.com/" + "a" * LONGEST, "is the longest"),
        ("\n".join(f"https://x.com/{n}" for n in range(MOST + 1)), f"These are {MOST + 1} links"),
    ],
)
def test_what_nobody_could_follow_is_refused_in_words(typed: str, told: str) -> None:
    with pytest.raises(BadFollow, match=re.escape(told)):
        read(typed)


@given(st.text())
def test_nothing_but_pages_ever_becomes_a_link(text: str) -> None:
    assert all(one.url.startswith(("http://", "https://")) and one.name for one in links(text))
