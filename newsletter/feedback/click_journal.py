"""Journal of clicks: appends each click to a local file, so links redirect at once and even without the database.

A worker renames the open file, writes its clicks to the database under a file lock (released by the kernel when a
process dies), and deletes it after the commit. A crash in between repeats the write, which is idempotent.
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
"""Messages whose clicks are recorded per transaction."""
KEPT = 10_000
"""Recent hits a process remembers, so that a repeated one is written at most once a minute."""
RETRY_AFTER = 0.001
log = structlog.get_logger()
Write = Callable[[Sequence[Hit]], list[Hit]]
"""Records hits, all those of a message together; returns those that have to wait."""


class ClickJournal:
    """The journal in this folder. Safe for several threads and processes on one host."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lately: OrderedDict[tuple[int, str, bool, int], None] = OrderedDict()
        self._lock = Lock()

    def note(self, hit: Hit) -> bool:
        """Append a hit; False if the same was appended within this minute. Raises OSError (disk full)."""
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
        """Pass all waiting hits to `write`; return how many still wait. If `write` raises, everything is kept.

        Skips files that another process is writing.
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
                os.write(file, b"\n")  # disk full half-way: end the line, so that it is skipped when read
                raise OSError("the journal of clicks could not be written")
        finally:
            os.close(file)

    def _opened(self) -> int:
        """Open the current file under a shared lock; retries while another process takes it."""
        path = self._folder / OPEN
        while True:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                if os.fstat(file).st_ino == path.stat().st_ino:
                    return file
            except (BlockingIOError, FileNotFoundError):
                time.sleep(RETRY_AFTER)
            os.close(file)

    def _take(self) -> None:
        """Rename the open file: later hits go to a new one, and no write to this one is in progress."""
        path = self._folder / OPEN
        with _locked(path, wait=True) as ours:
            if ours and path.exists():
                path.rename(self._folder / f"{secrets.token_hex(8)}{TAKEN}")


@contextmanager
def _locked(path: Path, wait: bool = False) -> Iterator[bool]:
    """Lock a file exclusively; yields False if it is gone or somebody else holds it."""
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
            yield Hit(message=int(message), destination=to, at=datetime.fromisoformat(at), by_machine=by == "machine")
        except ValueError:  # a partial line: the disk was full, or the host crashed
            log.warning("a click was kept in part, and is lost", length=len(line))


def _by_message(hits: Iterator[Hit]) -> Iterator[Sequence[Hit]]:
    """Batches of hits, those of `AT_ONCE` messages at a time; a message is never split."""
    messages: dict[int, list[Hit]] = {}
    for hit in hits:
        messages.setdefault(hit.message, []).append(hit)
    numbers = sorted(messages)
    for start in range(0, len(numbers), AT_ONCE):
        yield [hit for number in numbers[start : start + AT_ONCE] for hit in messages[number]]
