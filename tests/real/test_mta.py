"""Real Exim and Postfix at their limits: their own logs are compared with what we know, message by message."""

import datetime
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from newsletter.smtp import Relay, SmtpResult, SmtpTransport, Stage
from tests.debian import NotToBeHad
from tests.real.mta import Mta, exim, postfix
from tests.smtp.sending import Ledger, letter, recipient, stages

pytestmark = pytest.mark.real


@contextmanager
def running(made: AbstractContextManager[Mta]) -> Iterator[Mta]:
    """The server, or the test is skipped with the reason."""
    try:
        server = made.__enter__()
    except NotToBeHad as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        made.__exit__(None, None, None)


def campaign(
    server: Mta, count: int, options: str = "connections=6", tries: int = 1,
    meanwhile: Callable[[], None] | None = None, context: ssl.SSLContext | None = None,
) -> dict[int, SmtpResult]:  # fmt: skip
    """Send to everybody; what no relay would take is offered again, up to so many times, as the queue does."""
    relay = Relay.parse(f"smtp://localhost:{server.port}?{options}")
    transport = SmtpTransport([relay], helo="client.example", ssl_context=context)
    known: dict[int, SmtpResult] = {}
    waiting = list(range(1, count + 1))
    if meanwhile:
        threading.Thread(target=meanwhile).start()
    for _ in range(tries):
        ledger = Ledger()
        for _ in transport.send(map(letter, waiting), ledger):
            pass
        known |= ledger.known
        waiting = [key for key in waiting if known[key].stage is Stage.RELAY]
        if not waiting:
            break
        time.sleep(0.2)
    transport.close()
    return known


def agree(server: Mta, known: dict[int, SmtpResult]) -> None:
    """Whoever is told as sent has one copy, nobody two, and nobody else any but where that is uncertain."""
    sent = [key for key, one in known.items() if one.stage is Stage.ACCEPTED]
    until = time.monotonic() + 20
    while not all(server.took()[recipient(key)] for key in sent) and time.monotonic() < until:
        time.sleep(0.1)  # what it took is still being written down
    took = server.took()
    for key, one in known.items():
        copies = took[recipient(key)]
        match one.stage:
            case Stage.ACCEPTED:
                assert copies == 1, one
            case Stage.LOST_AFTER:
                assert copies <= 1, one
            case _:
                assert copies == 0, one


def test_exim_as_it_comes_takes_a_thousand_mails_in_a_session() -> None:
    with running(exim()) as server:
        known = campaign(server, 1030, "connections=1")
        assert stages(known) == {Stage.ACCEPTED: 1030}
        agree(server, known)
        assert "too many messages" in server.log()


def test_exim_with_a_limit_of_a_hundred_is_left_before_it_says_so() -> None:
    with running(exim("smtp_accept_max_per_connection = 100")) as server:
        known = campaign(server, 500, "connections=2")
        assert stages(known) == {Stage.ACCEPTED: 500}
        agree(server, known)


def test_exim_that_greylists() -> None:
    grey = (
        "defer message = 451 4.7.1 Greylisted, please come back later\n        local_parts = ^reader.*[05]\\$\n  accept"
    )
    with running(exim(acl=grey)) as server:
        known = campaign(server, 60)
        count = stages(known)
        assert (count[Stage.ACCEPTED], count[Stage.REJECTED]) == (48, 12)
        agree(server, known)


def test_exim_that_refuses_many_recipients() -> None:
    with running(
        exim(acl="deny message = 550 5.1.1 no such user\n       local_parts = ^reader.*[1-7]\\$\n  accept")
    ) as server:
        known = campaign(server, 100)
        count = stages(known)
        assert (count[Stage.ACCEPTED], count[Stage.REJECTED]) == (30, 70)
        agree(server, known)


def test_exim_killed_and_started_again_in_mid_campaign() -> None:
    with running(exim()) as server:

        def restart() -> None:
            while len(server.took()) < 100:
                time.sleep(0.02)
            server.kill()
            server.start()

        known = campaign(server, 400, "connections=4", tries=60, meanwhile=restart)
        count = stages(known)
        assert count[Stage.ACCEPTED] + count[Stage.LOST_AFTER] + count[Stage.LOST_BEFORE] == 400
        assert count[Stage.LOST_AFTER] <= 4 * 2
        agree(server, known)


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that a server of another user can read: pytest's own are closed to others, and are left as they are."""
    with tempfile.TemporaryDirectory(prefix="tls") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(("name", "days"), [("localhost", 2), ("other.example", 2), ("localhost", -1)])
def test_exim_with_a_certificate(name: str, days: int, readable: Path) -> None:
    folder = readable
    certificate = _certificate(folder, name, days)
    settings = f"tls_advertise_hosts = *\ntls_certificate = {certificate}\ntls_privatekey = {certificate}"
    with running(exim(settings)) as server:
        trusted = ssl.create_default_context(cafile=str(certificate))
        known = campaign(server, 5, "connections=1&tls=required", tries=3, context=trusted)
        good = (name, days) == ("localhost", 2)
        assert stages(known) == {Stage.ACCEPTED if good else Stage.RELAY: 5}, known[1]
        if not good:
            assert {one.at_command for one in known.values()} == {"TLS"}
        agree(server, known)


def test_postfix_with_a_message_rate_limit() -> None:
    with running(postfix("smtpd_client_message_rate_limit = 40")) as server:
        known = campaign(server, 100, tries=20)
        assert stages(known) == {Stage.ACCEPTED: 100}
        agree(server, known)


def test_postfix_with_a_recipient_rate_limit() -> None:
    with running(postfix("smtpd_client_recipient_rate_limit = 40")) as server:
        known = campaign(server, 60, tries=20)
        assert stages(known) == {Stage.ACCEPTED: 60}
        agree(server, known)


def test_postfix_with_a_full_queue_disk() -> None:
    with running(postfix("queue_minfree = 1000000000000000\nmessage_size_limit = 10240")) as server:
        known = campaign(server, 40)
        assert stages(known) == {Stage.RELAY: 40}
        assert {one.code for one in known.values()} == {452}
        agree(server, known)


def test_postfix_that_hangs_up_on_many_errors() -> None:
    with running(postfix("smtpd_error_sleep_time = 0\nsmtpd_hard_error_limit = 6\n"
                         "smtpd_recipient_restrictions = check_recipient_access inline:{ "
                         + ", ".join(f"{{ {recipient(key)} = 550 5.1.1 nobody }}" for key in range(1, 60) if key % 4)
                         + " }, permit_mynetworks")) as server:  # fmt: skip
        known = campaign(server, 60, "connections=2")
        count = stages(known)
        assert (count[Stage.LOST_AFTER], count[Stage.LOST_BEFORE]) == (0, 0)
        assert (count[Stage.ACCEPTED], count[Stage.REJECTED]) == (15, 45)
        agree(server, known)


def _certificate(folder: Path, name: str, days: int) -> Path:
    """A file with a key and a certificate for a name, which runs out in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(7)
        .not_valid_before(end - datetime.timedelta(days=30)).not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "both.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    file.chmod(0o644)
    return file
