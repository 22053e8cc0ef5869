"""A campaign to a real mail server, and what its log says of it."""

import datetime
import ssl
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
from tests.real.mta import Mta
from tests.smtp.sending import Ledger, envelope, recipient


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
    beside = threading.Thread(target=meanwhile) if meanwhile else None
    if beside:
        beside.start()
    for _ in range(tries):
        ledger = Ledger()
        for _ in transport.send(map(envelope, waiting), ledger):
            pass
        known |= ledger.known
        waiting = [key for key in waiting if known[key].stage is Stage.RELAY]
        if not waiting:
            break
        time.sleep(0.2)
    transport.close()
    if beside:
        beside.join()
    return known


def agree(server: Mta, known: dict[int, SmtpResult]) -> None:
    """Whoever is told as sent has one copy, nobody two, and nobody else any but where that is uncertain."""
    sent = [key for key, one in known.items() if one.stage is Stage.ACCEPTED]
    took = wait_for(server, [recipient(key) for key in sent])
    for key, one in known.items():
        copies = took[recipient(key)]
        match one.stage:
            case Stage.ACCEPTED:
                assert copies == 1, one
            case Stage.LOST_AFTER:
                assert copies <= 1, one
            case _:
                assert copies == 0, one


def wait_for(server: Mta, people: list[str]) -> dict[str, int]:
    """Wait until the server has written down that it took all these; how many copies it says each has."""
    until = time.monotonic() + 20
    while not all(map(server.took().__getitem__, people)) and time.monotonic() < until:
        time.sleep(0.1)
    return server.took()


def certificate(folder: Path, name: str, days: int) -> Path:
    """A file with a key and a certificate for a name, which runs out in so many days; all users can read it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(7)
        .not_valid_before(end - datetime.timedelta(days=30)).not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file, alone = folder / "both.pem", folder / "key.pem"
    file.write_bytes(private + made.public_bytes(pem))
    file.chmod(0o644)
    alone.write_bytes(private)
    alone.chmod(0o600)  # OpenSMTPD takes no other
    return file
