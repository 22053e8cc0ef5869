"""The files of `deploy/`, run: the product behind a real nginx and a real Caddy."""

import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from newsletter.settings import ROOT
from tests.real.conftest import Product, free_port, typed_proof, until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("proxies")]  # one product for each of them
NAME = "news.example.org"
VISITOR, CDN = "127.0.0.9", "127.0.0.5"
"""Addresses that requests come from: one that nobody trusts, and one that `TRUSTED_PROXIES` names."""
SECRET_PATH = "/unsubscribe/AAAAAAAAAAEAAAAAAAAAAQ"


@dataclass
class Proxy:
    """A program in front of the product."""

    product: Product
    plain: int
    tls: int
    log: Path
    folder: Path

    def ask(self, method: str, path: str, body: str = "", come_from: str = VISITOR, **headers: str) -> HTTPResponse:
        """One request over TLS; the answer, read."""
        raw = socket.create_connection(("127.0.0.1", self.tls), 20, source_address=(come_from, 0))
        connection = HTTPConnection(NAME)
        connection.sock = _unverified().wrap_socket(raw, server_hostname=NAME)
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body or None, {**kind, **lines})
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def sign_up(self, email: str, **more: str) -> str | None:
        """Send the box; the address that the consent keeps."""
        guide = "recover-from-pain"
        proof = typed_proof(lambda: self.ask("GET", f"/embed/{guide}.json", **more).text)  # type: ignore[attr-defined]
        fields = {"guide": guide, "email": email, "proof": proof}
        answer = self.ask("POST", "/subscribe", urllib.parse.urlencode(fields), **more)
        assert answer.status == 303
        with sqlite3.connect(f"file:{self.product.data / 'newsletter.sqlite3'}?mode=ro", uri=True) as database:
            (found,) = database.execute(
                "SELECT ip FROM consents JOIN subscribers ON subscribers.id = subscriber_id WHERE email = ?", [email]
            ).fetchone()
        return found if found is None else str(found)


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def _changed(file: str, changes: dict[str, str]) -> str:
    """A file of `deploy/` with the changes that its own first lines ask for; each must be possible."""
    text = (ROOT / "deploy" / file).read_text()
    for there, here in changes.items():
        assert there in text, (file, there)
        text = text.replace(there, here)
    return text


def _nginx(proxy: Proxy) -> Sequence[str]:
    cert, key = _certificate(proxy.folder)
    site = _changed("nginx.conf", {
        "    listen [::]:80;\n": "", "    listen [::]:443 ssl;\n": "", "listen 80;": f"listen 127.0.0.1:{proxy.plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{proxy.tls} ssl;", "127.0.0.1:8000": f"127.0.0.1:{proxy.product.port}",
        "/etc/letsencrypt/live/news.example.org/fullchain.pem": str(cert),
        "/etc/letsencrypt/live/news.example.org/privkey.pem": str(key),
        "/var/log/nginx/newsletter.log": str(proxy.log), "/var/log/nginx/newsletter-error.log": f"{proxy.log}.error",
    })  # fmt: skip
    (proxy.folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{one}_temp_path {proxy.folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (proxy.folder / "nginx.conf").write_text(
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; worker_processes 1; pid {proxy.folder}/pid;\n"
        f"events {{}}\nhttp {{ {temporary} include site.conf; }}\n"
    )
    return ["nginx", "-p", str(proxy.folder), "-e", "stderr", "-c", str(proxy.folder / "nginx.conf")]


def _caddy(proxy: Proxy) -> Sequence[str]:
    cert, key = _certificate(proxy.folder)
    text = _changed("Caddyfile", {
        "{\n\t# Personal": f"{{\n\tadmin off\n\thttp_port {proxy.plain}\n\thttps_port {proxy.tls}\n\t# Personal",
        "\nnews.example.org {": f"\n{NAME} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}",
        "127.0.0.1:8000": f"127.0.0.1:{proxy.product.port}",
        "# trusted_proxies 198.51.100.0/24": f"trusted_proxies {CDN}/32",
    })  # fmt: skip
    (proxy.folder / "Caddyfile").write_text(text)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(proxy.folder / "Caddyfile")]


KINDS = {"nginx": _nginx, "caddy": _caddy}


@contextmanager
def _running(words: Sequence[str], proxy: Proxy) -> Iterator[None]:
    with (proxy.folder / "said").open("wb") as out:
        env = {"PATH": os.environ["PATH"], "HOME": str(proxy.folder), "XDG_DATA_HOME": str(proxy.folder)}
        process = subprocess.Popen(words, stdout=out, stderr=out, env=env, start_new_session=True)
    try:

        def answers() -> bool:
            assert process.poll() is None, (proxy.folder / "said").read_text()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", proxy.tls)) == 0

        until(answers)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module", params=KINDS)
def proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The product behind one of them."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not on this machine (Debian: apt install {request.param})")
    folder = tmp_path_factory.mktemp(request.param)
    asked = {"PUBLIC_URL": f"https://{NAME}", "MAILBOX": "on", "TRUSTED_PROXIES": f"127.0.0.1, {CDN}"}
    product = Product(folder / "var", asked)
    made = Proxy(product, free_port(), free_port(), folder / "access.log", folder)
    product.start()
    try:
        with _running(KINDS[request.param](made), made):
            yield made
    finally:
        product.stop()


def test_the_site_is_there_over_https(proxy: Proxy) -> None:
    answer = proxy.ask("GET", "/")
    assert answer.status == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    plain = HTTPConnection("127.0.0.1", proxy.plain, timeout=20)
    plain.request("GET", "/archive?x=1", headers={"Host": NAME})
    to = urllib.parse.urlsplit(plain.getresponse().headers["Location"])
    plain.close()
    assert (to.scheme, to.hostname, to.path, to.query) == ("https", NAME, "/archive", "x=1")


def test_what_a_visitor_makes_up_about_themselves_counts_for_nothing(proxy: Proxy) -> None:
    assert proxy.sign_up("plain@example.com") == VISITOR
    forged = proxy.sign_up("forged@example.com", X_Forwarded_For="6.6.6.6", Forwarded="for=6.6.6.6")
    assert forged == VISITOR


def test_behind_a_cdn_visitors_are_not_one(proxy: Proxy) -> None:
    for email, who in (("a@example.com", "192.0.2.44"), ("b@example.com", "2001:db8::9")):
        assert proxy.sign_up(email, come_from=CDN, X_Forwarded_For=f"6.6.6.6, {who}") == who


def test_a_form_of_any_size_gets_an_answer(proxy: Proxy) -> None:
    assert proxy.ask("POST", "/subscribe", "email=" + "a" * 300_000).status == 413


def test_no_log_holds_a_personal_link(proxy: Proxy) -> None:
    assert proxy.ask("GET", SECRET_PATH + "?from=mail").status == 404
    written = [*proxy.folder.glob("access.log*"), proxy.folder / "said", *(proxy.product.data / "log").glob("*")]
    held = "\n".join(one.read_text() for one in written if one.is_file())
    assert SECRET_PATH.rpartition("/")[2] not in held
    if proxy.log.exists():
        until(lambda: "/unsubscribe/..." in proxy.log.read_text())
