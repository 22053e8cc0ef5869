"""An IMAP server on loopback, small and strict, that misbehaves as told (RFC 9051, what a reader of one folder needs).

with ImapServer([mail, ...]) as server:
    ...  # read imap://jane:secret@127.0.0.1:{server.port}/INBOX
assert server.flags[1] == {r"\\Seen"}
"""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Sequence
from typing import Self


class _Session(socketserver.StreamRequestHandler):
    server: _Listener

    def handle(self) -> None:
        it = self.server.state
        it.sessions += 1
        self._say(it.greeting)
        while line := self.rfile.readline():
            tag, _, rest = line.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            command = rest.upper()
            name = " ".join(command.split()[: 2 if command.startswith("UID ") else 1])
            it.heard.append(name)
            if name == it.hang_up_at:
                self._say(it.last_words, end="")
                return
            getattr(self, "_" + name.lower().replace(" ", "_"), self._unknown)(tag, rest)
            if name == "LOGOUT":
                return

    def _say(self, text: str, end: str = "\r\n") -> None:
        self.wfile.write((text + end).encode("utf-8", "surrogateescape"))

    def _unknown(self, tag: str, _rest: str) -> None:
        self._say(f"{tag} BAD unknown command")

    def _capability(self, tag: str, _rest: str) -> None:
        self._say(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done")

    def _login(self, tag: str, rest: str) -> None:
        good = re.fullmatch(r'LOGIN "?jane"? "secret"', rest) is not None
        self._say(f"{tag} OK welcome" if good else f"{tag} NO [AUTHENTICATIONFAILED] wrong user or password")

    def _select(self, tag: str, rest: str) -> None:
        it = self.server.state
        if rest.partition(" ")[2].strip('"') != "INBOX":
            self._say(f"{tag} NO there is no such folder")
            return
        kept = r"\Seen \*" if it.keeps_words else r"\Seen"
        self._say(f"* {len(it.mails)} EXISTS\r\n* OK [PERMANENTFLAGS ({kept})] kept")
        self._say(f"* OK [UIDVALIDITY {it.uid_validity}] numbering\r\n{tag} OK [READ-WRITE] open")

    def _uid_search(self, tag: str, rest: str) -> None:
        it = self.server.state
        first = int(re.search(r"UID (\d+):\*", rest)[1])  # type: ignore[index]
        last = max(it.mails, default=0)
        inside = [uid for uid in it.mails if uid >= first or uid == last]
        found = [str(uid) for uid in inside if r"\Seen" not in it.flags[uid]]
        self._say(f"* SEARCH {' '.join(found)}".rstrip() + f"\r\n{tag} OK done")

    def _uid_fetch(self, tag: str, rest: str) -> None:
        it = self.server.state
        found = re.fullmatch(r"UID FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest)
        assert found is not None, rest
        uid, most = int(found[1]), int(found[2])
        it.fetched.append(uid)
        if uid in it.mails:
            body = it.mails[uid][:most]
            self.wfile.write(b"* 1 FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (uid, len(body), body))
        self._say(f"{tag} OK done")

    def _uid_store(self, tag: str, rest: str) -> None:
        found = re.fullmatch(r"UID STORE (\d+) \+FLAGS\.SILENT \((.*)\)", rest)
        assert found is not None, rest
        self.server.state.flags[int(found[1])] |= set(found[2].split())
        self._say(f"{tag} OK done")

    def _logout(self, tag: str, _rest: str) -> None:
        self._say(f"* BYE\r\n{tag} OK bye")


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, state: ImapServer) -> None:
        self.state = state
        super().__init__(("127.0.0.1", 0), _Session)


class ImapServer:
    """One folder, INBOX, of jane's, whose password is "secret"."""

    def __init__(self, mails: Sequence[bytes] = (), *, keeps_words: bool = True) -> None:
        self.mails = dict(enumerate(mails, start=1))
        self.flags: dict[int, set[str]] = {uid: set() for uid in self.mails}
        self.keeps_words = keeps_words
        self.uid_validity = 7
        self.greeting = "* OK ready"
        self.hang_up_at = ""
        """The command at which it ends the connection."""
        self.last_words = ""
        self.heard: list[str] = []
        self.fetched: list[int] = []
        self.sessions = 0
        self._listener = _Listener(self)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.server_address[1])

    @property
    def url(self) -> str:
        """What INBOX_URL says of it."""
        return f"imap://jane:secret@127.0.0.1:{self.port}/INBOX"

    def add(self, mail: bytes) -> int:
        """Deliver a mail; its number."""
        uid = max(self.mails, default=0) + 1
        self.mails[uid], self.flags[uid] = mail, set()
        return uid

    def __enter__(self) -> Self:
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
