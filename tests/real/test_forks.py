"""All parts of the product are forks of the supervisor: how many there are, what each knows, and that none shares."""

import os
import re
import signal
from collections import defaultdict
from pathlib import Path

import pytest

from tests.real.conftest import Product, free_port, until

pytestmark = pytest.mark.real
PASSWORD = "a-word-that-only-relays-are-told"
OWNERS = "a-word-that-only-the-owner-knows"


def _holds(pid: int, words: bytes) -> bool:
    """Whether these words stand anywhere in what a process may write to, or was started with."""
    if words in Path(f"/proc/{pid}/environ").read_bytes():
        return True
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            if found := re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line):
                first, last = (int(number, 16) for number in found.groups())
                memory.seek(first)
                if words in memory.read(last - first):
                    return True
    return False


def _wait_for_workers(product: Product) -> None:
    """The site answers before all workers are there under their own names."""
    until(lambda: len(product.processes("celeryd")) == 6, why=f"there are only {product.processes()}")


def test_the_product_takes_no_more_processes_than_it_needs(product: Product) -> None:
    _wait_for_workers(product)
    lines = list(product.processes().values())
    count = {name: sum(name in line for line in lines) for name in ("granian", "transactional@", "bulk@")}
    # One that watches and two that work, three times; the supervisor, beat and the mailbox.
    assert count == {"granian": 3, "transactional@": 3, "bulk@": 3}, lines
    assert len(lines) == 9 + 3, lines


def _open(pid: int) -> set[str]:
    return {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}


def _connections() -> set[str]:
    """Connections over TCP on this machine that are established."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{line[9]}]" for line in lines if line[3] == "01"}


def test_no_part_shares_a_connection_with_another(product: Product) -> None:
    product.sign_up("jane@example.com")
    product.mail("jane@example.com", "confirm")
    assert product.process is not None
    supervisor = product.process.pid
    ours = _open(supervisor)
    assert not [name for name in ours if name.startswith("socket:") or "sqlite3" in name], ours
    assert len(list(Path(f"/proc/{supervisor}/task").iterdir())) == 1, "a fork has only the thread that forked"
    parts_by_connection = defaultdict(set)
    for pid in product.processes().keys() - {supervisor}:
        for name in _open(pid) & _connections():
            parts_by_connection[name].add(os.getsid(pid))
    assert len(parts_by_connection) > 4
    assert not [parts for parts in parts_by_connection.values() if len(parts) > 1]


def test_a_part_that_is_killed_is_forked_anew(product: Product) -> None:
    before = product.parts()
    ours = {pid: line for pid, line in before.items() if "redis" not in line and "valkey" not in line}
    assert len(ours) == 5, before
    for pid in ours:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(product.parts().keys() - before.keys()) == 5, 60, f"not all are back: {product.parts()}")
    until(lambda: len(product.processes()) == 12, 60, f"not all are back: {product.processes()}")
    until(product.answers, why="the site is not back")
    product.sign_up("jane@example.com")
    product.mail("jane@example.com", "confirm")


def test_no_part_holds_a_secret_that_it_does_not_need(tmp_path: Path) -> None:
    relay = f"smtp://user:{PASSWORD}@127.0.0.1:{free_port()}"
    product = Product(tmp_path / "var", {"SMTP_URL": relay, "OWNER_PASSWORD": OWNERS}).start()
    try:
        _wait_for_workers(product)
        told = {line for pid, line in product.processes().items() if _holds(pid, PASSWORD.encode())}
        assert told and all("celeryd" in line for line in told), told
        assert not [line for pid, line in product.processes().items() if _holds(pid, OWNERS.encode())]
    finally:
        product.stop()
