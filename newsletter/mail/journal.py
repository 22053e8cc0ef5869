"""The journal: what a worker has put on the wire, written to a file before the bytes leave; finer than any commit.

One file for each claim. It is locked while its worker lives; the kernel lets the lock go when the worker dies, however
it dies, and then the next worker on this host reads the file and knows exactly which messages left, which of them the
server answered, and which never went. The kernel keeps what was written when only the process dies. When the machine
itself went down, the end of the file may be missing: another boot id says so, and then the ledger's own coarser mark
(`sending_to`, `sending`) counts instead.
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
    """The journal of one claim; the transport calls it once a round of its sockets."""

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
            os.close(file)  # before it was locked, somebody took it for a dead worker's and removed it

    def marked(self, keys: Collection[int]) -> None:
        """Note that these may leave from now on: the ledger has them as sending."""
        self._write(f"b {' '.join(map(str, keys))}\n")

    def sending(self, keys: Sequence[int]) -> None:
        """Note that these messages are about to leave. Raises OSError (disk full): then they must not."""
        self._write(f"h {' '.join(map(str, keys))}\n")

    def requeued(self, keys: Sequence[int]) -> None:
        """Note that the server certainly did not take these, although they were `sending`: they go out again."""
        self._write(f"r {' '.join(map(str, keys))}\n")

    def results(self, results: Sequence[SmtpResult]) -> None:
        """Note what servers said."""
        self._write("".join([
            f"o\t{one.key}\t{one.stage}\t{one.code}\t{one.enhanced}\t{one.relay}\t{one.at_command}\t{one.text}\n"
            for one in results
        ]))  # fmt: skip

    def close(self, *, settled: bool) -> None:
        """`settled`: all of it is in the ledger, so the file goes. Otherwise it stays, to be replayed."""
        if settled:
            self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, text: str) -> None:
        data = text.encode()
        if os.write(self._file, data) != len(data):
            # Half a line must not stay: were there room again, the next one would be written behind it.
            os.ftruncate(self._file, self._size)
            raise OSError(errno.ENOSPC, "No space left for the journal")
        self._size += len(data)


@dataclass
class Left:
    """What a dead worker left behind."""

    path: Path
    token: str
    whole: bool = False
    """Whether the file surely holds everything: it can be read, and the machine has not gone down since."""
    batch: int | None = None
    """The batch that the worker held; None: it held messages one by one."""
    marked: set[int] = field(default_factory=set)
    sending: set[int] = field(default_factory=set)
    results: dict[int, SmtpResult] = field(default_factory=dict)
    has_failed: bool = False
    """Whether the ledger has refused it before."""

    @property
    def kept(self) -> set[int]:
        """Marked as sending in the ledger, but certainly never on a wire."""
        return self.marked - self.sending if self.whole else set()

    def settle(self) -> None:
        """All of it is in the ledger now."""
        self.path.unlink(missing_ok=True)

    def note_failure(self) -> None:
        """The ledger has refused it; say so in the file, so that the next one who tries knows."""
        with self.path.open("a") as file:
            file.write(f"{FAILED}\n")

    def put_aside(self) -> Path:
        """Nobody replays it any more, but a person may look at it; where it is now."""
        return self.path.rename(self.path.with_name(f"{self.path.name}{ASIDE}"))


def left_behind(folder: Path) -> Iterator[Left]:
    """The journals in this folder whose workers are dead, each locked while the caller deals with it."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue  # another worker has dealt with it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.fstat(file).st_nlink:
                continue  # dealt with; what has its name by now, if anything, is not this file
            if os.fstat(file).st_size:
                yield _read(path)
            else:
                path.unlink()  # its worker died over it, before its claim was committed
        except BlockingIOError:
            continue  # its worker lives
        finally:
            os.close(file)


def _read(path: Path) -> Left:
    left = Left(path, path.name.removesuffix(SUFFIX))
    lines = path.read_text(errors="replace").split("\n")[:-1]  # what no newline ends was never finished
    odd = 0
    for line in lines:
        try:
            _take(left, line)
        except ValueError:
            odd += 1
    left.whole = left.whole and not odd
    return left


def _take(left: Left, line: str) -> None:
    """Take a line in. Raises ValueError where it is none of ours: the disk was full, or forgot what it had."""
    if "\0" in line:  # a file system may fill with zeros what it had not written when the machine went down
        raise ValueError(line)
    if line.startswith("b "):
        left.marked.update([int(key) for key in line[2:].split()])
    elif line.startswith("h "):
        left.sending.update([int(key) for key in line[2:].split()])
    elif line.startswith("r "):
        left.sending.difference_update([int(key) for key in line[2:].split()])
    elif line.startswith("o\t"):
        _, key, stage, code, enhanced, relay, command, text = line.split("\t", 7)
        left.results[int(key)] = SmtpResult(
            key=int(key),
            stage=Stage(stage),
            code=int(code),
            enhanced=enhanced,
            text=text,
            relay=relay,
            at_command=command,
        )
    elif line.startswith("boot "):
        left.whole = line.removeprefix("boot ") == boot_id()
    elif line == FAILED:
        left.has_failed = True
    elif line.startswith(("batch ", "lot ")):  # "lot": written before the upgrade
        left.batch = int(line.partition(" ")[2]) or None
    else:
        raise ValueError(line)


def boot_id() -> str:
    """Which start of the machine this is; where the system does not say, a word that no other answer is equal to."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return f"unknown-{secrets.token_hex(8)}"


def forget_mentions(folder: Path, address: str) -> None:
    """Take an erased address out of the journals that were put aside: they hold what servers said."""
    for file in folder.glob(f"*{ASIDE}"):
        kept = file.read_bytes().decode("utf-8", "surrogateescape")
        if (cleaned := without(address, kept)) != kept:
            file.write_bytes(cleaned.encode("utf-8", "surrogateescape"))
