"""What an envelope may hold, and what the server must offer for it."""

import pytest

from newsletter.smtp import Envelope, Stage
from tests.smtp.talking import PIPELINING, Talk


def envelope(sender: str = "s@x.org", recipient: str = "r@y.org", data: bytes = b"x\r\n") -> Envelope:
    return Envelope(1, sender, recipient, data)


@pytest.mark.parametrize(
    "address",
    [
        "a@b\r\nRCPT TO:<evil@x.org>", "a\0@b.c", "a<b@c.d", "a>b@c.d", "a b@c.d", "a@b c", "a", "@b", "a@", "a@b@c",
        "\u2028a@b.c", "ä\n@b.c", "a@exa\u0000mple.ü", "a\u3000b@c.d", "x" * 1000 + "@y.org", "a@-ü-.example",
    ],
)  # fmt: skip
def test_a_bad_address_never_reaches_the_socket(address: str) -> None:
    for bad in (envelope(recipient=address), envelope(sender=address)):
        talk = Talk(b"250-mx\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n")
        talk.connection.give(bad)
        assert talk.wrote() == b""
        assert [(o.stage, o.code, o.enhanced, o.at_command) for o in talk.results()] == [
            (Stage.REJECTED, 553, "5.1.3", "local")
        ]
        assert talk.connection.wants


def test_what_the_server_cannot_take_is_refused_here() -> None:
    talk = Talk(b"250-mx\r\n250-PIPELINING\r\n250 SIZE 100\r\n")
    talk.connection.give(envelope(data=b"x" * 101))
    talk.connection.give(envelope(data="ä\r\n".encode()))
    talk.connection.give(envelope(recipient="jürgen@y.org"))
    assert [(o.code, o.enhanced) for o in talk.results()] == [(552, "5.3.4"), (554, "5.6.3"), (553, "5.6.7")]
    assert talk.wrote() == b""


def test_extensions_are_declared_where_needed() -> None:
    talk = Talk(b"250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
    talk.connection.give(envelope("", "jürgen@bücher.example", "ä\r\n".encode()))
    assert talk.wrote() == (
        "MAIL FROM:<> SIZE=4 BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<jürgen@xn--bcher-kva.example>\r\nDATA\r\n".encode()
    )


def test_an_international_domain_needs_no_extension() -> None:
    talk = Talk(PIPELINING)
    talk.connection.give(envelope(recipient="a@bücher.example"))
    assert b"RCPT TO:<a@xn--bcher-kva.example>\r\n" in talk.wrote()
