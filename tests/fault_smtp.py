"""An SMTP server on loopback that misbehaves as told and counts every copy of every recipient.

    with FaultServer([Fault("dot", "vanish", nth=3)], chunking=True) as server:
        ...  # send to 127.0.0.1:server.port
    assert server.received == {"a@example.org": 1}

`received` counts recipients whose message was here complete and not refused; `accepted` those whose message also got
a whole 2xx reply, counted just before it is written, so that whoever has read the reply finds it counted.
Every connection has a thread of its own; nothing sleeps unless a fault says so. One long file, so that any test can
import a whole server and nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import select
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Where = Literal["banner", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content", "dot", "rset", "idle"]
What = Literal["vanish", "reset", "half", "reply", "reply-close", "slow", "late", "hang"]


@dataclass(frozen=True)
class Fault:
    """What goes wrong, where, and which time it comes by there (0: every time).

    "data" is the DATA command (with BDAT: the BDAT line), "content" the middle of the content, "dot" the complete
    content, whose reply is still to come, "idle" the pause after a message was answered. Replies: `text` is sent
    instead of the usual one ("reply": and the session goes on; "reply-close": and it ends).
    """

    stage: Where
    action: What
    nth: int = 1
    text: str = "421 4.3.2 going down"
    recipient: str = ""
    """Only for this recipient's message ("rcpt", "data", "content", "dot")."""
    seconds: float = 0.01
    """Between the octets of a slow reply; before the whole of a late one; how long "idle" lasts."""
    wait: float = 0.0
    """Seconds before `text` is sent."""
    every: bool = False
    """Every `nth` time, not only the `nth`."""


@dataclass(frozen=True)
class Arrived:
    """A message that was here complete."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    parameters: str
    """What followed the path in MAIL, e.g. "SIZE=10 BODY=8BITMIME"."""
    encrypted: bool


class _Over(Exception):
    """The connection ends here."""


class FaultServer:
    """See the module; every option is one thing a server may or may not do."""

    def __init__(
        self,
        faults: Sequence[Fault] = (),
        *,
        pipelining: bool = True,
        chunking: bool = False,
        eight_bit: bool = True,
        smtputf8: bool = True,
        size: int | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        injection: bytes = b"",
        auth: Collection[str] = (),
        credentials: tuple[str, str] = ("", ""),
        bounces: Collection[str] = (),
        data_for_nobody: bool = False,
        host: str = "127.0.0.1",
        session_limit: int = 0,
        session_words: str = "421 4.7.0 too many messages in this connection",
        connection_limit: int = 0,
        rate: tuple[int, float] | None = None,
        delay: float = 0.0,
    ) -> None:
        """`tls` turns STARTTLS on; `injection` is plain text slipped in behind its 220. `auth` names mechanisms and
        makes logging in a duty. `bounces` get 550 at RCPT. `data_for_nobody`: 354 although no recipient was taken.

        Limits: `session_words` to MAIL after `session_limit` messages of a connection, which 421 ends; 421 at the
        banner to more connections than `connection_limit`, which may be changed; 450 to MAIL after `rate` messages in
        so many seconds. `delay`: seconds before the reply to each content."""
        self.session_limit, self.connection_limit, self.rate, self.delay = session_limit, connection_limit, rate, delay
        self.session_words = session_words
        self.open_now = 0
        self.most_open = 0
        self.turned_away = 0
        """Connections that were one too many."""
        self._window = (0.0, 0)
        self.pipelining, self.chunking = pipelining, chunking
        self.eight_bit, self.smtputf8, self.size = eight_bit, smtputf8, size
        self.tls, self.implicit_tls, self.injection = tls, implicit_tls, injection
        self.auth, self.credentials = auth, credentials
        self.bounces, self.data_for_nobody = bounces, data_for_nobody
        self.received: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.messages: list[Arrived] = []
        self.commands: list[str] = []
        """Every command line, of all connections, in the order they came."""
        self.connections = 0
        self.struck: list[tuple[str, str, str]] = []
        """What went wrong: stage, action and (where one was known) recipient, in the order it did."""
        self.intruding = 0
        """How often a client sent more than PIPELINING, or its absence, allows."""
        self.dawdling = threading.Event()
        """Set once a fault has made somebody wait ("hang", "slow"): tests may put their clock forward then."""
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._faults = [(fault, Counter[str]()) for fault in faults]
        self._listener = socket.create_server((host, 0), backlog=100)
        self.host = host
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._peers: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all connections and wait for their threads."""
        self.stopping.set()
        for each in (self._listener, *self._peers):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def fault_at(self, stage: str, recipient: str) -> Fault | None:
        """The fault that is due here, counting this passage."""
        due = None
        with self.lock:
            for fault, passed in self._faults:
                if fault.stage == stage and fault.recipient in ("", recipient):
                    passed[stage] += 1
                    times = passed[stage]
                    if fault.nth in (0, times) or (fault.every and times % fault.nth == 0):
                        due = due or fault
            if due:
                self.struck.append((stage, due.action, recipient))
        return due

    def lets_in(self) -> bool:
        """Whether one more connection is allowed, counting it."""
        with self.lock:
            self.open_now += 1
            if self.connection_limit and self.open_now > self.connection_limit:
                self.turned_away += 1
                return False
            self.most_open = max(self.most_open, self.open_now)
            return True

    def is_too_fast(self) -> bool:
        """Whether this message is one too many in its span of time, counting it."""
        if self.rate is None:
            return False
        count, seconds = self.rate
        with self.lock:
            began, used = self._window
            now = time.monotonic()
            if now - began >= seconds:
                began, used = now, 0
            self._window = (began, used + 1)
            return used >= count

    def _begin(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._peers.append(peer)
            self._begin(_Session(self, peer).run)


class _Session:
    """One connection."""

    def __init__(self, server: FaultServer, peer: socket.socket) -> None:
        self.server, self.peer = server, peer
        self.buffer = b""
        self.encrypted = self.known = False
        self.sender, self.parameters = "", ""
        self.open = False
        self.mails = 0
        self.recipients: list[str] = []

    def run(self) -> None:
        try:
            if not self.server.lets_in():
                self.say("421 4.7.0 too many connections from your address")
                return
            if self.server.implicit_tls:
                self._wrap()
            self.answer("banner", "220 fault.example ESMTP")
            while line := self.line():
                self.command(line)
        except (_Over, OSError, ValueError):
            pass
        finally:
            with self.server.lock:
                self.server.open_now -= 1
            self.peer.close()

    # Octets

    def more(self) -> None:
        data = self.peer.recv(65536)
        if not data:
            raise _Over
        self.buffer += data

    def line(self) -> str:
        while b"\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\n")
        text = line.rstrip(b"\r").decode("utf-8")
        with self.server.lock:
            self.server.commands.append(text)
        return text

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def say(self, text: str) -> None:
        self.peer.sendall(text.encode() + b"\r\n")

    def answer(self, stage: str, usual: str, recipient: str = "") -> str:
        """Send the usual reply, or do what the fault that is due says; return the reply that was sent."""
        return self.do(self.server.fault_at(stage, recipient), usual)

    def do(self, fault: Fault | None, usual: str) -> str:
        if fault is None:
            self.say(usual)
            return usual
        match fault.action:
            case "vanish":
                raise _Over
            case "reset":
                self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise _Over
            case "hang":
                self.hang()
            case "half":
                self.peer.sendall(usual.encode()[: len(usual) // 2])
                raise _Over
            case "slow":
                self.server.dawdling.set()
                for octet in usual.encode() + b"\r\n":
                    if self.server.stopping.wait(fault.seconds):
                        raise _Over
                    self.peer.sendall(bytes([octet]))
                return usual
            case "late":
                if self.server.stopping.wait(fault.seconds):
                    raise _Over
                self.say(usual)
                return usual
        if fault.wait and self.server.stopping.wait(fault.wait):
            raise _Over
        self.say(fault.text)
        if fault.action == "reply-close":
            raise _Over
        return fault.text

    def hang(self) -> None:
        self.server.dawdling.set()
        self.server.stopping.wait()
        raise _Over

    def _wrap(self) -> None:
        if self.server.tls is None:
            raise _Over
        self.peer = self.server.tls.wrap_socket(self.peer, server_side=True)
        self.server._peers.append(self.peer)
        self.encrypted = True
        self.buffer = b""

    # Commands

    def command(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        # What ends a pipeline (RFC 2920 §3.1), and everything where there is none, must be the last octets so far.
        last = not self.server.pipelining or verb in ("EHLO", "DATA", "STARTTLS", "AUTH", "QUIT")
        if last and self.buffer and verb != "BDAT":
            self.server.intruding += 1
        match verb:
            case "EHLO" | "HELO":
                self.reset()
                self.answer("ehlo", "\r\n".join(self.features()))
            case "STARTTLS" if self.server.tls and not self.encrypted:
                if self.answer("starttls", "220 go") == "220 go":
                    self.peer.sendall(self.server.injection)
                    self._wrap()
                    self.reset()
            case "AUTH":
                self.known = self.login(rest)
                self.answer("auth", "235 2.7.0 welcome" if self.known else "535 5.7.8 wrong user name or password")
            case "MAIL":
                self.mail(rest)
            case "RCPT":
                self.rcpt(rest)
            case "DATA":
                self.data()
            case "BDAT":
                self.bdat(rest)
            case "RSET":
                self.reset()
                self.answer("rset", "250 2.0.0 ok")
            case "QUIT":
                self.say("221 2.0.0 bye")
                raise _Over
            case _:
                self.say("500 5.5.2 what?")

    def features(self) -> list[str]:
        server = self.server
        offered = {
            "PIPELINING": server.pipelining,
            "CHUNKING": server.chunking,
            "8BITMIME": server.eight_bit,
            "SMTPUTF8": server.smtputf8,
            f"SIZE {server.size}": server.size is not None,
            "STARTTLS": server.tls is not None and not self.encrypted,
            f"AUTH {' '.join(server.auth)}": bool(server.auth),
        }
        return [*(f"250-{name}" for name in ["fault.example", *(k for k, v in offered.items() if v)]), "250 HELP"]

    def reset(self) -> None:
        self.open, self.recipients = False, []

    def mail(self, rest: str) -> None:
        if self.server.auth and not self.known:
            self.answer("mail", "530 5.7.0 log in first")
        elif self.open:
            self.answer("mail", "503 5.5.1 nested MAIL")
        elif self.server.session_limit and self.mails >= self.server.session_limit:
            self.say(self.server.session_words)
            if self.server.session_words.startswith("421"):
                raise _Over
        elif self.server.is_too_fast():
            self.say("450 4.7.1 Error: too much mail from 127.0.0.1")
        elif self.answer("mail", "250 2.1.0 ok").startswith("2"):
            path, _, self.parameters = rest.partition(">")
            self.sender, self.parameters = path.partition("<")[2], self.parameters.strip()
            self.open = True
            self.mails += 1

    def rcpt(self, rest: str) -> None:
        recipient = rest.partition("<")[2].partition(">")[0]
        if not self.open:
            self.answer("rcpt", "503 5.5.1 MAIL first", recipient)
        elif recipient in self.server.bounces:
            self.answer("rcpt", "550 5.1.1 no such user", recipient)
        elif self.answer("rcpt", "250 2.1.5 ok", recipient).startswith("2"):
            self.recipients.append(recipient)

    @property
    def whose(self) -> str:
        return self.recipients[0] if self.recipients else ""

    def data(self) -> None:
        ready = self.open and (self.recipients or self.server.data_for_nobody)
        reply = self.answer("data", "354 go" if ready else "503 5.5.1 no valid recipients", self.whose)
        if not reply.startswith("354"):
            return
        lines: list[bytes] = []
        middle = self.server.fault_at("content", self.whose)
        while (line := self.content_line()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
            if middle and len(lines) == 1:
                self.interrupt(middle)
        if middle and not lines:  # for nobody a client sends the dot alone: that is its middle too
            self.interrupt(middle)
        if middle:
            # It was answered before its end: the rest is read and thrown away.
            self.reset()
        else:
            self.complete(b"".join(lines))

    def content_line(self) -> bytes:
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line + b"\r\n"

    def bdat(self, rest: str) -> None:
        size, _, last = rest.partition(" ")
        ready = self.server.chunking and bool(self.recipients) and last.upper() == "LAST"
        fault = self.server.fault_at("data", self.whose)
        if fault and fault.action != "reply":
            self.interrupt(fault)
        middle = self.server.fault_at("content", self.whose)
        data = self.take(int(size) // 2) if middle else b""
        if middle:
            self.interrupt(middle)
        data += self.take(int(size) - len(data))
        if middle:
            self.reset()
        elif not ready or fault:
            # The chunk is read and thrown away before it is refused (RFC 3030 §2).
            self.say(fault.text if fault else "503 5.5.1 no valid recipients")
        else:
            self.complete(data)

    def interrupt(self, fault: Fault) -> None:
        """Do a fault in the middle of the content."""
        match fault.action:
            case "hang":
                self.hang()
            case "reply" | "reply-close":
                self.say(fault.text)
                if fault.action == "reply":
                    return
            case "reset":
                self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Over

    def complete(self, data: bytes) -> None:
        recipients, whose = tuple(self.recipients), self.whose
        fault = self.server.fault_at("dot", whose)
        if not (fault and fault.action.startswith("reply") and fault.text[0] in "45"):  # else it is thrown away
            with self.server.lock:
                self.server.received.update(recipients)
                self.server.messages.append(Arrived(self.sender, recipients, data, self.parameters, self.encrypted))
        self.reset()
        if (
            fault is None
            or fault.action in ("slow", "late")
            or (fault.action.startswith("reply") and fault.text[0] == "2")
        ):
            with self.server.lock:
                self.server.accepted.update(recipients)
        if self.server.delay:
            self.server.stopping.wait(self.server.delay)
        self.do(fault, "250 2.0.0 queued")
        self.rest()

    def rest(self) -> None:
        """Close an idle connection if a fault says so."""
        fault = None if self.buffer else self.server.fault_at("idle", "")
        if fault and not select.select([self.peer], [], [], fault.seconds)[0]:
            if fault.action == "reply-close":
                self.say(fault.text)
            raise _Over

    # Logging in

    def login(self, rest: str) -> bool:
        mechanism, _, initial = rest.partition(" ")
        if mechanism not in self.server.auth:
            return False
        user, password = self.server.credentials
        match mechanism:
            case "PLAIN":
                given = self.ask("") if not initial else base64.b64decode(initial)
                return given == f"\0{user}\0{password}".encode()
            case "LOGIN":
                return (self.ask("Username:"), self.ask("Password:")) == (user.encode(), password.encode())
        return self.scram(base64.b64decode(initial).decode(), user, password)

    def ask(self, challenge: str) -> bytes:
        self.say(f"334 {base64.b64encode(challenge.encode()).decode()}")
        return base64.b64decode(self.line())

    def scram(self, first: str, user: str, password: str) -> bool:
        """SCRAM-SHA-256 as the server (RFC 5802 §5)."""
        bare = first.removeprefix("n,,")
        name, nonce = (part[2:].replace("=2C", ",").replace("=3D", "=") for part in bare.split(","))
        salt, nonce = b"salt of the server", nonce + "server"
        challenge = f"r={nonce},s={base64.b64encode(salt).decode()},i=4096"
        final = self.ask(challenge).decode()
        unproved, _, proof = final.rpartition(",p=")
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
        signed = f"{bare},{challenge},{unproved}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        expected = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        if name != user or base64.b64decode(proof) != expected or unproved != f"c=biws,r={nonce}":
            return False
        verifier = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        return self.ask(f"v={base64.b64encode(verifier).decode()}") == b""


def self_made_certificate(
    folder: Path, name: str = "localhost", *, san: str = "DNS:{name},IP:127.0.0.1"
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for `name` and 127.0.0.1, and a client's that trusts it. Needs the openssl program.

    `san`: the names it is for; "" leaves its common name alone.
    """
    names = ["-addext", f"subjectAltName={san.format(name=name)}"] if san else []
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", *names,
         "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=str(certificate))
