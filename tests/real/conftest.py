"""The whole product, running: `newsletter up` on free ports, in a folder whose name has a space."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psycopg
import pytest

from newsletter.settings import ROOT
from tests.web.conftest import solved

PATIENCE = 30.0
TYPING = 1.05
"""Seconds between a challenge and a sign-up: sooner it is a robot's."""


def free_port() -> int:
    """A port nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(what: Callable[[], Any], patience: float = PATIENCE, why: str = "") -> Any:
    """Ask again and again until the answer is true; the answer. What costs much is asked less often."""
    end = time.monotonic() + patience
    while True:
        began = time.monotonic()
        found = what()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s in vain{': ' + why if why else ''}")
        time.sleep(max(0.05, 1.5 * (time.monotonic() - began)))


def typed_proof(get: Callable[[], str]) -> str:
    """Ask for a challenge, solve it, and type for as long as a person does at least."""
    challenge, shown = json.loads(get())["challenge"], time.monotonic()
    proof = solved(challenge)
    until(lambda: time.monotonic() > shown + TYPING)
    return proof


@dataclass
class Product:
    """One installation, and what a person, a script or a saboteur can do with it."""

    data: Path
    extra: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    mailbox_port: int = field(default_factory=free_port)
    blog_port: int = field(default_factory=free_port)
    smtp_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    @property
    def env(self) -> dict[str, str]:
        """A bare environment: nothing of the developer's reaches the product."""
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.data.parent), "DATA_DIR": str(self.data),
            "PORT": str(self.port),
            "MAILBOX_PORT": str(self.mailbox_port), "MAILBOX_SMTP_PORT": str(self.smtp_port),
            "BLOG_PORT": str(self.blog_port),
            "OWNER_EMAIL": "owner@example.org", "OWNER_PASSWORD": "a good password", **self.extra,
        }  # fmt: skip

    @property
    def site(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "Product":
        """`newsletter up`, until its banner."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.process = self.spawn()
        said: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.append(line)
            if "Ctrl-C stops" in line:
                return self
        self.process.kill()
        self.process.communicate()
        self.process = None
        raise AssertionError("the product did not start:\n" + "".join(said) + self.logs())

    def spawn(self) -> subprocess.Popen[str]:
        """Start the command and look at it from outside."""
        return subprocess.Popen(
            [sys.executable, "-m", "newsletter.cli", "up"], cwd=ROOT, env=self.env, text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def stop(self, how: signal.Signals = signal.SIGINT) -> str:
        """Ctrl-C, and wait; what it said."""
        if self.process is None:
            return ""
        self.process.send_signal(how)
        said, _ = self.process.communicate(timeout=90)
        self.process = None
        return said

    def command(self, *words: str) -> str:
        """`newsletter …` beside the running product; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "newsletter.cli", *words],
            cwd=ROOT,
            env=self.env,
            text=True,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def logs(self) -> str:
        """The end of every log."""
        return "\n".join(f"== {log.name}\n{log.read_text()[-1500:]}" for log in (self.data / "log").glob("*.log"))

    def get(self, url: str) -> str:
        """Read a page of the site (a path, or a whole address)."""
        with urllib.request.urlopen(urllib.parse.urljoin(self.site, url), timeout=20) as answer:
            return str(answer.read().decode())

    def answers(self) -> bool:
        """Whether the site answers, and is well."""
        try:
            return '"ok":true' in self.get("/healthz")
        except (urllib.error.URLError, OSError):
            return False

    def post(self, url: str, **fields: str) -> str:
        """Send a form, with the token of its page."""
        data = urllib.parse.urlencode(fields).encode()
        with urllib.request.urlopen(urllib.parse.urljoin(self.site, url), data, timeout=20) as answer:
            return str(answer.read().decode())

    def token(self, page: str) -> str:
        """The form token in a page."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found, page
        return found[1]

    def sign_up(self, email: str, guide: str = "recover-from-pain", **more: str) -> str:
        """Fill in a box."""
        return self.post("/subscribe", guide=guide, email=email, proof=self.proof(guide), **more)

    def proof(self, guide: str = "recover-from-pain") -> str:
        """What our script makes while somebody types."""
        return typed_proof(lambda: self.get(f"/embed/{guide}.json"))

    def confirm(self, email: str) -> str:
        """Open the link of the newest confirmation and press its button."""
        link = link_in(self.mail(email, "confirm"), "/confirm/")
        return self.post(link, csrf_token=self.token(self.get(link)))

    def inbox(self, email: str) -> list[dict[str, Any]]:
        """What the mailbox holds for an address."""
        query = urllib.parse.urlencode({"to": email})
        found: list[dict[str, Any]] = json.loads(
            self.get(f"http://127.0.0.1:{self.mailbox_port}/messages.json?{query}")
        )
        return found

    def mail(self, email: str, subject: str, patience: float = PATIENCE) -> EmailMessage:
        """The newest mail to an address whose subject holds these words; waits for it."""

        def look() -> dict[str, Any] | None:
            return next((m for m in reversed(self.inbox(email)) if subject.lower() in m["subject"].lower()), None)

        entry = until(look, patience, f"no mail “{subject}” to {email}; there: {self.inbox(email)}")
        url = f"http://127.0.0.1:{self.mailbox_port}/messages/{entry['id']}.eml"
        with urllib.request.urlopen(url, timeout=20) as answer:
            parsed = message_from_bytes(answer.read(), policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def recruit(self, count: int) -> list[str]:
        """Import so many people; their addresses."""
        people = [f"reader{n}@example.com" for n in range(count)]
        file = self.data / "people.csv"
        file.write_text("email,first_name\n" + "".join(f"{one},Reader\n" for one in people))
        self.command("subscribers", "import", str(file), "--consent-basis", "asked at the desk")
        return people

    def send_news(self) -> str:
        """A campaign to everybody, now; its id."""
        body = self.data / "news.md"
        body.write_text("{{ greeting }},\n\nnews.\n")
        return self.command("campaign", "send", "--subject", "News", "--body", str(body)).split()[-1]

    def status(self, campaign: str) -> dict[str, Any]:
        """Where it stands."""
        found: dict[str, Any] = json.loads(self.command("campaign", "status", campaign, "--json"))
        return found

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """What the installation's own database answers, without a command's two seconds."""
        if "DATABASE_URL" in self.extra:
            with psycopg.connect(self.extra["DATABASE_URL"]) as connection:
                return connection.execute(statement).fetchall()  # type: ignore[arg-type]
        with closing(sqlite3.connect(f"file:{self.data / 'newsletter.sqlite3'}?mode=ro", uri=True)) as file:
            return file.execute(statement).fetchall()

    def ledger(self) -> dict[str, str]:
        """The state of everybody's campaign mail, by address."""
        return dict(self.query(
            "SELECT s.email, m.state FROM messages m JOIN subscribers s ON s.id = m.subscriber_id "
            "WHERE m.stream = 'campaign'"
        ))  # fmt: skip

    def is_sent(self, campaign: str) -> bool:
        """Whether a campaign has ended."""
        return self.query(f"SELECT state FROM campaigns WHERE id = {int(campaign)}") == [("sent",)]

    def processes(self, holding: str = "") -> dict[int, str]:
        """Every process of this installation (told by its DATA_DIR), with its command line."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environ, words = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            line = words.replace(b"\0", b" ").decode(errors="replace")
            if f"DATA_DIR={self.data}\0".encode() in environ and holding in line and words:
                found[int(entry.name)] = line
        return found

    def parts(self) -> dict[int, str]:
        """The main processes of its parts: the children of the supervisor."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").strip() for pid in children}


def text_of(mail: EmailMessage) -> str:
    """Its text part."""
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_in(mail: EmailMessage, path: str) -> str:
    """The first address in a mail's text part whose path begins like this."""
    found = re.search(r"https?://\S*?" + re.escape(path) + r"[^\s)>]+", text_of(mail))
    assert found, text_of(mail)
    return found[0]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    """A running installation of this test's own."""
    made = Product(tmp_path / "a folder" / "var")
    yield made.start()
    made.stop()
