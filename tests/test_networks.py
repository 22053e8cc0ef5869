"""Who asks, through which proxies, and how much of an address is one visitor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.networks import LOOPBACK, address, client, household, networks

OURS, CDN = networks(LOOPBACK), networks(f"{LOOPBACK}, 198.51.100.0/24 2001:db8:cd::/48")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:8080", "192.0.2.1"), (" 192.0.2.1 ", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"),
        ("unknown", None), ("", None), ("_hidden", None), ("192.0.2.1.5", None), ("1", None), ("<script>", None),
        ("[::1", None), ("\0", None),
    ],
)  # fmt: skip
def test_an_address_is_read_as_proxies_write_it_and_nothing_else_is_one(written: str, meant: str | None) -> None:
    seen = address(written)
    assert (str(seen) if seen else None) == meant


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "who"),
    [
        ("192.0.2.7", "", OURS, "192.0.2.7"),
        ("192.0.2.7", "6.6.6.6", OURS, "192.0.2.7"),  # forged, and nobody of ours between
        ("127.0.0.1", "192.0.2.7", OURS, "192.0.2.7"),
        ("127.0.0.1", "6.6.6.6, 192.0.2.7", OURS, "192.0.2.7"),  # forged in front of what our proxy saw
        ("127.0.0.1", "192.0.2.7, 198.51.100.3", CDN, "192.0.2.7"),  # a visitor, the CDN, nginx
        ("127.0.0.1", "6.6.6.6,192.0.2.7, 198.51.100.3", CDN, "192.0.2.7"),
        ("127.0.0.1", "192.0.2.7, 198.51.100.3", OURS, "198.51.100.3"),  # a CDN that nobody told us of
        ("::1", "2001:db8:1::5, 2001:db8:cd::1", CDN, "2001:db8:1::5"),
        ("127.0.0.1", "192.0.2.7, nonsense", OURS, "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1, 127.0.0.1", OURS, "127.0.0.1"),
        ("127.0.0.1", " , ,", OURS, "127.0.0.1"),
        ("", "192.0.2.7", OURS, None),
        ("@", "192.0.2.7", OURS, None),
    ],
)
def test_the_chain_is_read_from_its_end_as_long_as_it_is_trusted(
    peer: str, forwarded: str, trusted: tuple[object, ...], who: str | None
) -> None:
    seen = client(peer, forwarded, trusted)  # type: ignore[arg-type]
    assert (str(seen) if seen else None) == who


@given(st.text(max_size=200))
def test_whatever_a_visitor_makes_up_our_proxy_is_believed(forged: str) -> None:
    assert str(client("127.0.0.1", f"{forged}, 192.0.2.7", OURS)) == "192.0.2.7"


def test_one_customer_is_one_visitor() -> None:
    def counted(text: str) -> str:
        seen = address(text)
        assert seen is not None
        return household(seen)

    assert counted("2001:db8:1:2::5") == counted("2001:db8:1:2:ffff:1:2:3") == "2001:db8:1:2::/64"
    assert counted("2001:db8:1:3::5") != counted("2001:db8:1:2::5")
    assert counted("192.0.2.1") != counted("192.0.2.2")
    assert counted("::ffff:192.0.2.1") == counted("192.0.2.1")
