"""The journal of clicks: a link leads on at once, and its click waits in a file of this host until it is written down.

So a link works while the database is away. The file that is written to is taken whole (renamed) by whoever writes its
clicks down, under a lock that the kernel lets go when a process dies, and goes once they are committed. What is written
down twice, because somebody was killed in between, is the same row.
"""

import fcntl
import os
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

import structlog

from newsletter.feedback.click import Hit
from newsletter.mail.render.counted import Destination

OPEN, TAKEN = "open", ".taken"
AT_ONCE = 500
"""Messages whose clicks are written down in one transaction."""
KEPT = 10_000
"""Hits that a process remembers: whoever asks for the same again and again is written once a minute."""
BREATH = 0.001
log = structlog.get_logger()
Write = Callable[[Sequence[Hit]], list[Hit]]
"""Writes hits down, all that are known of their messages at once; returns those that have to wait."""


class ClickJournal:
    """The journal in this folder. Safe for several threads, and several processes of one host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lately: OrderedDict[tuple[int, str, bool, int], None] = OrderedDict()
        self._lock = Lock()

    def note(self, hit: Hit) -> bool:
        """Keep a hit; False: the same was kept within this minute. Raises OSError (disk full)."""
        key = (hit.message, hit.destination.address, hit.by_machine, int(hit.at.timestamp()) // 60)
        with self._lock:
            if key in self._lately:
                return False
        self._append([hit])
        with self._lock:
            self._lately[key] = None
            while len(self._lately) > KEPT:
                self._lately.popitem(last=False)
        return True

    def write_down(self, write: Write) -> int:
        """Write down all that waits; return how many hits wait on. Raises whatever `write` does: then it all waits on.

        What another process is writing down is left to it.
        """
        if not self._folder.exists():
            return 0
        self._take()
        waiting = 0
        for path in sorted(self._folder.glob(f"*{TAKEN}")):
            with _locked(path) as ours:
                if ours:
                    later = [hit for some in _by_message(_read(path)) for hit in write(some)]
                    self._append(later)
                    path.unlink()
                    waiting += len(later)
        return waiting

    def _append(self, hits: Sequence[Hit]) -> None:
        if not hits:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._opened()
        try:
            line = "".join([_line(hit) for hit in hits]).encode("ascii")
            if os.write(file, line) != len(line):
                os.write(file, b"\n")  # the disk filled up in the middle: half a line is read as none
                raise OSError("the journal of clicks could not be written")
        finally:
            os.close(file)

    def _opened(self) -> int:
        """The file to write to, shared; one that somebody takes just now is let go."""
        path = self._folder / OPEN
        while True:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.fstat(file).st_ino == path.stat().st_ino:
                    return file
            except (BlockingIOError, FileNotFoundError):
                time.sleep(BREATH)
            os.close(file)

    def _take(self) -> None:
        """From now on hits go to another file, and nobody is in the middle of writing to this one."""
        path = self._folder / OPEN
        with _locked(path, wait=True) as ours:
            if ours and path.exists():
                path.rename(self._folder / f"{secrets.token_hex(8)}{TAKEN}")


@contextmanager
def _locked(path: Path, wait: bool = False) -> Iterator[bool]:
    """Hold a file for ourselves. False: it is gone, or somebody else has it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            ours = os.fstat(file).st_ino == path.stat().st_ino
        except (BlockingIOError, FileNotFoundError):
            ours = False
        yield ours
    finally:
        os.close(file)


def _line(hit: Hit) -> str:
    to = hit.destination
    by = "machine" if hit.by_machine else "person"
    return f"{hit.at.isoformat()} {by} {hit.message} {to.links} {to.revision} {to.address}\n"


def _read(path: Path) -> Iterator[Hit]:
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            at, by, message, links, revision, address = line.split(" ")
            to = Destination(address, int(links), int(revision))
            when, by_machine = datetime.fromisoformat(at), by == "machine"
            yield Hit(message=int(message), destination=to, at=when, by_machine=by_machine)
        except ValueError:  # half a line: the disk was full, or the host went down
            log.warning("a click was kept in part, and is lost", length=len(line))


def _by_message(hits: Iterator[Hit]) -> Iterator[Sequence[Hit]]:
    """All hits of a message together, those of some messages at a time."""
    messages: dict[int, list[Hit]] = {}
    for hit in hits:
        messages.setdefault(hit.message, []).append(hit)
    numbers = sorted(messages)
    for start in range(0, len(numbers), AT_ONCE):
        yield [hit for number in numbers[start : start + AT_ONCE] for hit in messages[number]]
