"""The journal: a file that records what a worker puts on the wire, before the bytes leave and finer than any commit.

One file per claim, locked while its worker lives. However the worker dies, the kernel releases the lock; the next
worker on this host then reads the file and knows exactly which messages left, which of them the server answered, and
which never went. If only the process died, the kernel keeps what was written. If the machine went down, the end of the
file may be missing: a different boot id shows that, and the ledger's own coarser marks (`sending_to`, `sending`) count.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from newsletter.db import without
from newsletter.smtp import SmtpResult, Stage

SUFFIX = ".journal"
ASIDE = ".aside"
FAILED = "failed"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Journal:
    """The journal of one claim; the transport calls it once per round over its sockets."""

    def __init__(self, folder: Path, token: str, batch: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{token}{SUFFIX}"
        self._file, self._size = self._locked(), 0
        try:
            self._write(f"boot {boot_id()}\nbatch {batch or 0}\n")
        except OSError:
            self.close(settled=True)
            raise

    def _locked(self) -> int:
        while True:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                return file
            os.close(file)  # removed as a dead worker's before we had locked it

    def marked(self, keys: Collection[int]) -> None:
        """Record that these may leave from now on: the ledger has them as sending."""
        self._write(f"b {' '.join(map(str, keys))}\n")

    def sending(self, keys: Sequence[int]) -> None:
        """Record that these messages are about to leave. Raises OSError (disk full): then they must not."""
        self._write(f"h {' '.join(map(str, keys))}\n")

    def requeued(self, keys: Sequence[int]) -> None:
        """Record that the server certainly did not take these, although they were `sending`: they go out again."""
        self._write(f"r {' '.join(map(str, keys))}\n")

    def results(self, results: Sequence[SmtpResult]) -> None:
        """Record what servers said."""
        self._write("".join([
            f"o\t{one.key}\t{one.stage}\t{one.code}\t{one.enhanced}\t{one.relay}\t{one.at_command}\t{one.text}\n"
            for one in results
        ]))  # fmt: skip

    def close(self, *, settled: bool) -> None:
        """Delete the file if `settled`: all of it is in the ledger. Otherwise it stays to be replayed."""
        if settled:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, text: str) -> None:
        data = text.encode()
        if os.write(self._file, data) != len(data):
            # Remove the partial line: the next one would be appended to it.
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, "No space left for the journal")
        self._size += len(data)


@dataclass
class DeadJournal:
    """A dead worker's journal."""

    path: Path
    token: str
    whole: bool = False
    """Whether the file certainly holds everything: it is readable, and the machine has not gone down since."""
    batch: int | None = None
    """The batch the worker held; None: it held single messages."""
    marked: set[int] = field(default_factory=set)
    sending: set[int] = field(default_factory=set)
    results: dict[int, SmtpResult] = field(default_factory=dict)
    has_failed: bool = False
    """Whether replaying it has failed before."""

    @property
    def never_left(self) -> set[int]:
        """The messages marked as sending in the ledger that were certainly never on the wire."""
        return self.marked - self.sending if self.whole else set()

    def settle(self) -> None:
        """Delete the file: all of it is in the ledger."""
        self.path.unlink(missing_ok=True)

    def note_failure(self) -> None:
        """Record in the file that replaying it failed, so that the next attempt knows."""
        with self.path.open("a") as file:
            file.write(f"{FAILED}\n")

    def put_aside(self) -> Path:
        """Rename it so that it is never replayed but a person may look at it; return its new path."""
        return self.path.rename(self.path.with_name(f"{self.path.name}{ASIDE}"))


def dead_journals(folder: Path) -> Iterator[DeadJournal]:
    """Yield the journals of dead workers in this folder, each locked while the caller handles it."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue  # another worker has replayed it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(file).st_nlink:
                continue  # replayed; its name may belong to a new file by now
            if os.fstat(file).st_size:
                yield _read(path)
            else:
                path.unlink()  # its worker died before its claim was committed
        except BlockingIOError:
            continue  # its worker is alive
        finally:
            os.close(file)


def _read(path: Path) -> DeadJournal:
    dead = DeadJournal(path, path.name.removesuffix(SUFFIX))
    lines = path.read_text(errors="replace").split("\n")[:-1]  # a line without its newline is incomplete
    odd = 0
    for line in lines:
        try:
            _take(dead, line)
        except ValueError:
            odd += 1
    dead.whole = dead.whole and not odd
    return dead


def _take(dead: DeadJournal, line: str) -> None:
    """Apply one line. Raises ValueError if it is not one of ours: the disk was full, or lost data."""
    if "\0" in line:  # file systems may zero-fill what was not yet on disk when the machine went down
        raise ValueError(line)
    if line.startswith("b "):
        dead.marked.update([int(key) for key in line[2:].split()])
    elif line.startswith("h "):
        dead.sending.update([int(key) for key in line[2:].split()])
    elif line.startswith("r "):
        dead.sending.difference_update([int(key) for key in line[2:].split()])
    elif line.startswith("o\t"):
        _, key, stage, code, enhanced, relay, command, text = line.split("\t", 7)
        dead.results[int(key)] = SmtpResult(
            key=int(key),
            stage=Stage(stage),
            code=int(code),
            enhanced=enhanced,
            text=text,
            relay=relay,
            at_command=command,
        )
    elif line.startswith("boot "):
        dead.whole = line.removeprefix("boot ") == boot_id()
    elif line == FAILED:
        dead.has_failed = True
    elif line.startswith(("batch ", "lot ")):  # "lot": written before the upgrade
        dead.batch = int(line.partition(" ")[2]) or None
    else:
        raise ValueError(line)


def boot_id() -> str:
    """An id of the machine's boot; where the system gives none, a value that equals no other."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return f"unknown-{secrets.token_hex(8)}"


def forget_mentions(folder: Path, address: str) -> None:
    """Remove an erased address from journals put aside: they hold what servers said."""
    for file in folder.glob(f"*{ASIDE}"):
        kept = file.read_bytes().decode("utf-8", "surrogateescape")
        if (cleaned := without(address, kept)) != kept:
            file.write_bytes(cleaned.encode("utf-8", "surrogateescape"))
