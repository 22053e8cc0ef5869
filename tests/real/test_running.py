"""Starting, stopping, and being in the way of something."""

import os
import signal
import socket
from pathlib import Path

import pytest

from newsletter import workers
from tests.real.conftest import Product, until

pytestmark = pytest.mark.real


def test_ctrl_c_leaves_no_process_and_a_second_start_keeps_everything(tmp_path: Path) -> None:
    product = Product(tmp_path / "var").start()
    product.sign_up("jane@example.com")
    product.mail("jane@example.com", "confirm")
    assert len(product.processes()) > 6
    assert "Everything is kept" in product.stop()
    assert product.processes() == {}
    product.start()
    assert len(product.inbox("jane@example.com")) == 1
    assert "1\n" in product.command("subscribers", "export") or "jane@example.com" in product.command(
        "subscribers", "export"
    )
    product.stop(signal.SIGTERM)
    assert product.processes() == {}


def test_started_twice_by_mistake_the_second_says_where_the_first_is(product: Product) -> None:
    second = product.spawn()
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "running already" in said
    assert product.site in said
    assert '"ok":true' in product.get("/healthz")


def test_workers_of_bulk_mail_stand_back_for_people(product: Product) -> None:
    def steps(queue: str) -> set[int]:
        return {os.getpriority(os.PRIO_PROCESS, pid) for pid in product.processes(f"{queue}@")}

    ours = os.getpriority(os.PRIO_PROCESS, 0)  # `nice make test`
    until(lambda: steps("bulk") == {ours + workers.NICENESS}, why="the workers of bulk mail have not stood back")
    assert steps("transactional") == {ours}
    for pid in product.processes("bulk@"):
        shared = Path(f"/proc/{pid}/autogroup")  # where the kernel has such a thing
        assert not shared.exists() or f"nice {workers.NICENESS}" in shared.read_text()


def test_a_port_in_use_is_told_by_name_and_number(tmp_path: Path) -> None:
    product = Product(tmp_path / "var")
    product.data.mkdir()
    with socket.create_server(("127.0.0.1", product.mailbox_port)):
        process = product.spawn()
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"MAILBOX_PORT {product.mailbox_port}" in said
    assert product.processes() == {}


NO_KEY = {"DKIM_DOMAIN": "example.org", "DKIM_SELECTOR": "news", "DKIM_KEY_FILE": "none.pem"}


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"SMTP_URL": "mail.example.org"}, "Bad setting: SMTP_URL: should be smtp://"),
        (NO_KEY, "Bad setting: DKIM_KEY_FILE: "),
    ],
    ids=["a relay", "a key"],
)
def test_a_bad_setting_is_told_by_its_name(tmp_path: Path, setting: dict[str, str], told: str) -> None:
    product = Product(tmp_path / "var", setting)
    process = product.spawn()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert told in said
    assert "Traceback" not in said
    assert product.processes() == {}


def test_when_the_supervisor_is_killed_the_next_start_waits_until_its_parts_have_ended(tmp_path: Path) -> None:
    product = Product(tmp_path / "var").start()
    left = product.processes()
    assert product.process is not None
    product.process.kill()
    product.process.communicate()
    product.start()
    try:
        assert not left.keys() & product.processes().keys()
        assert '"ok":true' in product.get("/healthz")
    finally:
        product.stop()
    assert product.processes() == {}


def test_when_every_part_is_killed_with_the_supervisor_no_child_of_theirs_is_left(tmp_path: Path) -> None:
    product = Product(tmp_path / "var").start()
    assert product.process is not None
    for pid in (product.process.pid, *product.parts()):
        os.kill(pid, signal.SIGKILL)
    product.process.communicate()
    product.process = None
    until(lambda: not product.processes(), 60, f"left: {product.processes()}")
