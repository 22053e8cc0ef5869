"""The test of a relay: how far it comes, what it tells, and what it hides."""

import base64
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from newsletter.smtp import Probe, Relay, Trouble, Who, probe
from tests.fault_smtp import Fault, FaultServer, self_made_certificate

pytestmark = pytest.mark.sqlite_only
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
USER, PASSWORD = "paula@example.org", "open:Sesame/!"


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    if not shutil.which("openssl"):
        pytest.skip("the openssl program is needed to make a certificate")
    return self_made_certificate(tmp_path_factory.mktemp("certificate"))


def _said(tested: Probe, who: Who) -> list[str]:
    return [text for whose, text in tested.lines if whose is who]


def _relay(server: FaultServer, options: str = "", login: str = "", scheme: str = "smtp") -> Relay:
    return Relay.parse(f"{scheme}://{login}127.0.0.1:{server.port}?{options}")


def test_a_relay_that_is_ready() -> None:
    with FaultServer() as server:
        tested = probe(_relay(server, "tls=none"), "news.example.org")
    assert tested.trouble is None and not tested.is_encrypted
    assert _said(tested, Who.US) == ["EHLO news.example.org", "QUIT"]
    said = _said(tested, Who.SERVER)
    assert said[0].startswith("220 ") and said[-1].startswith("221 ") and any(one.startswith("250-") for one in said)
    assert server.received == {}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_with_tls_and_a_login(scheme: str, contexts: Contexts) -> None:
    login = "paula%40example.org:open%3ASesame%2F%21@"
    with FaultServer(
        tls=contexts[0], implicit_tls=scheme == "smtps", auth=("PLAIN",), credentials=(USER, PASSWORD)
    ) as server:
        tested = probe(_relay(server, login=login, scheme=scheme), "localhost", context=contexts[1])
    assert (tested.trouble, tested.is_encrypted) == (None, True), tested.lines
    us = _said(tested, Who.US)
    assert any(one.startswith("AUTH ") and one.endswith("***") for one in us) and us[-1] == "QUIT"
    assert any(one.startswith("TLSv1.") for one in _said(tested, Who.NETWORK))


def test_a_login_that_is_refused_is_told_in_the_servers_words_and_without_it(contexts: Contexts) -> None:
    coded = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    words = f"535 5.7.8 no: {USER} with {PASSWORD}, or {coded}"
    login = "paula%40example.org:open%3ASesame%2F%21@"
    with FaultServer(
        [Fault("auth", "reply", nth=0, text=words)], tls=contexts[0], auth=("PLAIN",), credentials=(USER, PASSWORD)
    ) as server:
        tested = probe(_relay(server, login=login), "localhost", context=contexts[1])
    assert tested.trouble is Trouble.LOGIN
    told = "\n".join(text for _, text in tested.lines)
    assert PASSWORD not in told and coded not in told and USER not in told
    assert any(one.startswith("535 5.7.8 no: *** with ***") for one in _said(tested, Who.SERVER))


def test_a_certificate_that_nobody_knows(contexts: Contexts) -> None:
    with FaultServer(tls=contexts[0]) as server:
        tested = probe(_relay(server, "tls=required"), "localhost")
        open_to_all = probe(_relay(server), "localhost")
    assert tested.trouble is Trouble.TLS and "certificate" in tested.lines[-1][1]
    assert (open_to_all.trouble, open_to_all.is_encrypted, open_to_all.is_verified) == (None, True, False)


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (Fault("banner", "reply-close", text="554 5.7.1 not from your address"), Trouble.REFUSED),
        (Fault("banner", "reply-close", text="421 too many connections"), Trouble.CONNECTIONS),
        (Fault("banner", "vanish"), Trouble.UNREACHABLE),
        (Fault("ehlo", "reset"), Trouble.UNREACHABLE),
    ],
)
def test_a_relay_that_will_not(fault: Fault, trouble: Trouble) -> None:
    with FaultServer([fault]) as server:
        tested = probe(_relay(server, "tls=none"), "localhost")
    assert tested.trouble is trouble, tested.lines


def test_a_relay_that_says_nothing_is_not_waited_for() -> None:
    with FaultServer([Fault("banner", "hang")]) as server:
        tested = probe(_relay(server, "tls=none"), "localhost", patience=1.0)
    assert tested.trouble is Trouble.UNREACHABLE, tested.lines


def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = probe(Relay.parse(f"smtp://127.0.0.1:{port}"), "localhost")
    nameless = probe(Relay.parse("smtp://no-such-host.invalid:25"), "localhost", patience=3.0)
    assert refused.trouble is nameless.trouble is Trouble.UNREACHABLE
    assert "refused" in refused.lines[-1][1].lower()


def test_a_server_that_never_ends_a_line_or_says_no_smtp(tmp_path: Path) -> None:
    for words in ("2" * 5000, "HTTP/1.1 400 Bad Request"):
        with FaultServer([Fault("banner", "reply-close", text=words)]) as server:
            tested = probe(_relay(server, "tls=none"), "localhost", patience=2.0)
        assert tested.trouble is Trouble.UNREACHABLE and all(len(text) <= 500 for _, text in tested.lines)
