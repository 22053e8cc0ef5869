"""SMTP_URL: what it says, and what it says when it is wrong."""

import pytest

from newsletter.smtp import Relay, parse_relays


def test_everything_that_can_be_said() -> None:
    relay = Relay.parse(
        "smtp://us%40er:p%3Aw%2C@mx.example.org:2525?weight=2&connections=4&tls=required&pipeline=3&helo=a.example"
    )
    assert (relay.host, relay.port) == ("mx.example.org", 2525)
    assert (relay.username, relay.password) == ("us@er", "p:w,")
    assert (relay.weight, relay.connections, relay.pipeline, relay.helo) == (2, 4, 3, "a.example")
    assert relay.tls == "required"
    assert relay.verified
    assert relay.name == "mx.example.org:2525"


@pytest.mark.parametrize(
    ("url", "port", "tls", "verified"),
    [
        ("smtp://mx.example", 25, "opportunistic", False),
        ("smtp://u:p@mx.example", 587, "required", True),
        ("smtp://u:p@localhost:1025", 1025, "opportunistic", False),
        ("smtp://u:p@mx.example?tls=opportunistic", 587, "opportunistic", True),
        ("smtps://mx.example", 465, "required", True),
        ("SMTPS://127.0.0.1:4650", 4650, "required", True),
        ("smtp://[::1]:2525", 2525, "opportunistic", False),
        ("smtp://mx.example/", 25, "opportunistic", False),
    ],
)
def test_defaults(url: str, port: int, tls: str, verified: bool) -> None:
    relay = Relay.parse(url)
    assert (relay.port, relay.tls, relay.verified) == (port, tls, verified)


def test_a_password_may_hold_what_urls_do_not_like() -> None:
    assert Relay.parse("smtp://u:a/b?c#d@e@mx.example").password == "a/b?c#d@e"


def test_international_host_becomes_a_label() -> None:
    assert Relay.parse("smtp://bücher.example").host == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://mx.example", "smtp://"),
        ("mx.example:25", "smtp://"),
        ("smtp://", "host"),
        ("smtp://mx_.-", "host"),
        ("smtp://user@mx.example", "user:password"),
        ("smtp://u:secret", "port"),
        ("smtp://u:secret@mx.example:0", "port"),
        ("smtp://u:secret@mx.example:70000", "port"),
        ("smtp://u:secret@mx.example?weight=0", "weight"),
        ("smtp://u:secret@mx.example?weight=2&weight=3", "twice"),
        ("smtp://u:secret@mx.example?conections=2", "conections"),
        ("smtp://u:secret@mx.example?tls=maybe", "tls"),
        ("smtp://u:secret@mx.example?helo=a b", "helo"),
        ("smtps://u:secret@mx.example?tls=none", "tls"),
    ],
)
def test_a_bad_part_is_named_and_the_password_is_not(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        Relay.parse(url)
    assert "secret" not in str(caught.value)


def test_several() -> None:
    relays = parse_relays(" smtp://a.example?weight=3, smtps://u:p,q@b.example ,")
    assert [relay.name for relay in relays] == ["a.example:25", "b.example:465"]
    assert relays[1].password == "p,q"
    with pytest.raises(ValueError, match="relay 2: "):
        parse_relays("smtp://a.example,ftp://b.example")
    with pytest.raises(ValueError, match="no relay"):
        parse_relays(" , ")


def test_nothing_printed_shows_the_password() -> None:
    relay = Relay.parse("smtp://user:hidden@mx.example")
    assert "hidden" not in repr(relay)
    assert "hidden" not in str(relay)
    assert str(relay) == "smtp://user:***@mx.example:587"
