"""All parts of the product are forks of the supervisor: how many there are, and what each of them knows."""

import re
from pathlib import Path

import pytest

from tests.real.conftest import Product, free_port

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


def test_the_product_takes_no_more_processes_than_it_needs(product: Product) -> None:
    lines = list(product.processes().values())
    count = {name: sum(name in line for line in lines) for name in ("granian", "transactional@", "bulk@")}
    # One that watches and two that work, three times; the supervisor, beat and the mailbox.
    assert count == {"granian": 3, "transactional@": 3, "bulk@": 3}, lines
    assert len(lines) == 9 + 3, lines


def test_no_part_holds_a_secret_that_it_does_not_need(tmp_path: Path) -> None:
    relay = f"smtp://user:{PASSWORD}@127.0.0.1:{free_port()}"
    product = Product(tmp_path / "var", {"SMTP_URL": relay, "OWNER_PASSWORD": OWNERS}).start()
    try:
        told = {line for pid, line in product.processes().items() if _holds(pid, PASSWORD.encode())}
        assert told and all("celeryd" in line for line in told), told
        assert not [line for pid, line in product.processes().items() if _holds(pid, OWNERS.encode())]
    finally:
        product.stop()
