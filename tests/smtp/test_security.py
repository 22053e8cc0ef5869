"""STARTTLS, implicit TLS and logging in."""

import base64
import shutil
import ssl
from pathlib import Path
from urllib.parse import quote

import pytest

from newsletter.smtp import Relay, SmtpResult, Stage
from newsletter.smtp.auth import AuthError, scram_sha_256
from newsletter.smtp.connection import Connection
from newsletter.smtp.greeting import greet
from newsletter.smtp.pace import Pace
from newsletter.smtp.relay_state import BACKOFF
from newsletter.smtp.tls import verified_context
from newsletter.smtp.transaction import Round
from newsletter.smtp.troubles import Trouble
from tests.fault_smtp import Fault, FaultServer, Where, self_made_certificate
from tests.smtp.sending import MODES, deliver, stages, transport

Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    if not shutil.which("openssl"):
        pytest.skip("the openssl program is needed to make a certificate")
    return self_made_certificate(tmp_path_factory.mktemp("certificate"))


def only(results: dict[int, SmtpResult]) -> SmtpResult:
    """The first result, having seen that all are of one stage."""
    assert len({result.stage for result in results.values()}) == 1
    return next(iter(results.values()))


@pytest.mark.parametrize("mode", MODES)
def test_starttls(contexts: Contexts, mode: str) -> None:
    with FaultServer(tls=contexts[0], **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=2&tls=required", ssl_context=contexts[1]))
    assert only(results).stage is Stage.ACCEPTED
    assert all(arrived.encrypted for arrived in server.messages)


@pytest.mark.parametrize("mode", MODES)
def test_implicit_tls(contexts: Contexts, mode: str) -> None:
    with FaultServer(tls=contexts[0], implicit_tls=True, **MODES[mode]) as server:
        results = deliver(server, transport(server, scheme="smtps", ssl_context=contexts[1]))
    assert only(results).stage is Stage.ACCEPTED
    assert all(arrived.encrypted for arrived in server.messages)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_an_unknown_certificate_is_not_accepted(contexts: Contexts, scheme: str) -> None:
    with FaultServer(tls=contexts[0], implicit_tls=scheme == "smtps") as server:
        results = deliver(server, transport(server, "tls=required", scheme=scheme), count=2)
    result = only(results)
    assert (result.stage, result.at_command) == (Stage.RELAY, "TLS")
    assert "certificate" in result.text
    assert not server.received


def test_a_certificate_for_another_name_is_not_accepted(contexts: Contexts) -> None:
    with FaultServer(tls=contexts[0], host="127.0.0.2") as server:
        result = only(deliver(server, transport(server, "tls=required", ssl_context=contexts[1]), count=1))
    assert (result.stage, result.at_command) == (Stage.RELAY, "TLS")


def test_a_common_name_is_no_name(tmp_path: Path) -> None:
    """RFC 9525 §2: only a subjectAltName says whose certificate it is."""
    here, ours = self_made_certificate(tmp_path, "localhost", san="")
    with FaultServer(tls=here, host="localhost") as server:
        result = only(deliver(server, transport(server, "tls=required", ssl_context=ours), count=1))
    assert (result.stage, result.at_command) == (Stage.RELAY, "TLS")
    assert "ostname mismatch" in result.text
    assert not verified_context().hostname_checks_common_name


def test_opportunistic_tls_takes_any_certificate(contexts: Contexts) -> None:
    with FaultServer(tls=contexts[0]) as server:
        results = deliver(server, transport(server))
    assert only(results).stage is Stage.ACCEPTED
    assert all(arrived.encrypted for arrived in server.messages)


def test_opportunistic_tls_goes_on_without(contexts: Contexts) -> None:
    with FaultServer([Fault("starttls", "reply", text="454 4.7.0 not now")], tls=contexts[0]) as server:
        results = deliver(server, transport(server))
    assert only(results).stage is Stage.ACCEPTED
    assert not any(arrived.encrypted for arrived in server.messages)


@pytest.mark.parametrize("fault", [None, Fault("starttls", "reply", text="454 4.7.0 not now", nth=0)])
def test_required_tls_never_goes_on_without(contexts: Contexts, fault: Fault | None) -> None:
    with FaultServer([fault] if fault else [], tls=contexts[0] if fault else None) as server:
        results = deliver(server, transport(server, "tls=required", ssl_context=contexts[1]))
    assert (only(results).stage, only(results).at_command) == (Stage.RELAY, "STARTTLS")
    assert not any(command.startswith("MAIL") for command in server.commands)


def test_plain_text_slipped_in_before_tls_is_thrown_away(contexts: Contexts) -> None:
    injection = b"250-evil\r\n250 AUTH PLAIN\r\n250 ok\r\n"
    with FaultServer(tls=contexts[0], injection=injection) as server:
        results = deliver(server, transport(server, "tls=required", ssl_context=contexts[1]), count=3)
    # The octets came with the 220 and are dropped, or later and break the handshake: they are never taken for replies.
    assert only(results).stage in (Stage.ACCEPTED, Stage.RELAY)
    assert all(arrived.encrypted for arrived in server.messages)


@pytest.mark.parametrize("stage", ["mail", "content", "dot"])
@pytest.mark.parametrize("mode", MODES)
def test_tls_dropped_in_the_middle(contexts: Contexts, mode: str, stage: Where) -> None:
    with FaultServer([Fault(stage, "reset", nth=5)], tls=contexts[0], **MODES[mode]) as server:
        results = deliver(server, transport(server, "connections=1&tls=required", ssl_context=contexts[1]))
    lost = [o for o in results.values() if o.stage in (Stage.LOST_BEFORE, Stage.LOST_AFTER)]
    assert results[5] in lost or (stage == "mail" and not lost)  # before anything of it has left it just goes again
    assert len(lost) + sum(o.stage is Stage.ACCEPTED for o in results.values()) == 12


@pytest.mark.parametrize("options", ["tls=required", "tls=opportunistic"])
def test_a_connection_that_breaks_in_the_handshake_is_an_accident_where_others_work(
    contexts: Contexts, options: str
) -> None:
    """The relay is not left alone for it, nobody is called to mend anything, nothing goes out in the clear."""
    faults = [Fault("starttls", "vanish", nth=5, every=True), Fault("mail", "reset", nth=9, every=True)]
    with FaultServer(faults, tls=contexts[0]) as server:
        sender = transport(server, f"connections=3&{options}", ssl_context=contexts[1])
        results = deliver(server, sender, count=150)
        assert Stage.RELAY not in stages(results)
        assert sum(stage == "starttls" for stage, _, _ in server.struck) >= 3
        assert all(arrived.encrypted for arrived in server.messages)


@pytest.mark.parametrize("stage", ["starttls", "auth"])
def test_a_relay_that_only_hangs_up_is_unreachable(contexts: Contexts, stage: Where) -> None:
    """It said nothing about certificates or passwords, so the owner is not sent to look for them."""
    now = [1000.0]
    with FaultServer([Fault(stage, "vanish", nth=0)], tls=contexts[0], auth=("PLAIN",)) as server:
        user = "jane:secret@"
        sender = transport(server, "tls=required", user=user, ssl_context=contexts[1], clock=lambda: now[0])
        assert stages(deliver(server, sender, count=3, keep=True)) == {Stage.RELAY: 3}
        (state,) = sender._states
        assert state.refusal is not None
        assert state.refusal.trouble is Trouble.UNREACHABLE
        assert state.retry_at <= now[0] + BACKOFF
        sender.close()


def log_in(server: FaultServer, password: str = "pä ss") -> dict[int, SmtpResult]:
    return deliver(server, transport(server, user=f"us%2Cer:{quote(password)}@"), count=3)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_logging_in(mechanism: str) -> None:
    with FaultServer(auth=[mechanism], credentials=("us,er", "pä ss")) as server:
        assert only(log_in(server)).stage is Stage.ACCEPTED
    with FaultServer(auth=[mechanism], credentials=("us,er", "pä ss")) as server:
        result = only(log_in(server, "wrong"))
    assert (result.stage, result.code, result.enhanced, result.at_command) == (Stage.RELAY, 535, "5.7.8", "AUTH")
    assert "wrong" not in result.text.replace("wrong user name", "")


def test_the_mechanism_that_shows_no_password_comes_first() -> None:
    with FaultServer(auth=["LOGIN", "PLAIN", "SCRAM-SHA-256"], credentials=("us,er", "pä ss")) as server:
        log_in(server)
    assert [command for command in server.commands if command.startswith("AUTH SCRAM-SHA-256")]
    assert not [command for command in server.commands if command.startswith(("AUTH PLAIN", "AUTH LOGIN"))]


def test_a_relay_that_wants_a_login_takes_no_attempt() -> None:
    with FaultServer(auth=["PLAIN"], credentials=("a", "b")) as server:
        result = only(deliver(server, transport(server)))
    assert (result.stage, result.code) == (Stage.RELAY, 530)


def test_no_password_in_the_clear_to_another_machine() -> None:
    relay = Relay.parse("smtp://user:secret@mx.example?tls=none")
    connection = Connection("mx", greet(relay, "me.example"), Round(), Pace(1))
    connection.receive(b"220 mx\r\n")
    connection.receive(b"250-mx\r\n250 AUTH PLAIN LOGIN\r\n")
    assert b"AUTH" not in b"".join(connection.out)
    assert connection.failure is not None
    assert connection.failure.at_command == "AUTH"


def test_scram_as_in_rfc_7677() -> None:
    exchange = scram_sha_256("user", "pencil", "rOprNGfwEbeRWgbNEkqO")
    assert next(exchange) == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    assert exchange.send(challenge) == (
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    )
    assert exchange.send(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=") == b""


@pytest.mark.parametrize(
    "challenge",
    [
        b"", b"nonsense", b"r=other,s=c2FsdA==,i=4096", b"r=abc,s=c2FsdA==,i=4096", b"r=abcd,s=!,i=4096",
        b"r=abcd,s=c2FsdA==,i=1", b"r=abcd,s=c2FsdA==,i=99999999999", b"m=x,r=abcd,s=c2FsdA==,i=4096", b"e=no",
    ],
)  # fmt: skip
def test_scram_trusts_no_server_blindly(challenge: bytes) -> None:
    exchange = scram_sha_256("user", "pencil", "abc")
    next(exchange)
    with pytest.raises(AuthError):
        exchange.send(challenge)


def test_scram_server_must_prove_itself() -> None:
    exchange = scram_sha_256("user", "pencil", "abc")
    next(exchange)
    exchange.send(b"r=abcd,s=c2FsdA==,i=4096")
    with pytest.raises(AuthError, match="prove"):
        exchange.send(b"v=" + base64.b64encode(b"x" * 32))


def test_a_server_that_skips_its_proof_is_not_trusted() -> None:
    faults = [Fault("auth", "reply", nth=0, text="235 welcome")]
    with FaultServer(faults, auth=["SCRAM-SHA-256"], credentials=("somebody", "else")) as server:
        result = only(log_in(server))
    assert (result.stage, result.at_command) == (Stage.RELAY, "AUTH")
