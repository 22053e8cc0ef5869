"""The running product, with one thing after the other broken under it: everybody can leave all the time."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from newsletter.settings import ROOT
from tests.real.conftest import Product, link_in, until

pytestmark = pytest.mark.real
TREE = ("newsletter", "templates", "static", "content", "migrations", "site.toml", "worker.py")
PEOPLE = 24


@dataclass
class OwnTree(Product):
    """An installation whose program files may be broken too: it runs from a copy of them."""

    @property
    def tree(self) -> Path:
        """The copy."""
        return self.data.parent / "tree"

    def spawn(self) -> "subprocess.Popen[str]":
        """From the copy."""
        for name in TREE:
            whole = ROOT / name
            if whole.is_dir():
                shutil.copytree(whole, self.tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(whole, self.tree / name)
        return _spawned(self)


def _spawned(product: OwnTree) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "newsletter.cli", "up"], cwd=product.tree,
        env={**product.env, "PYTHONPATH": str(product.tree)}, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnTree]:
    made = OwnTree(tmp_path / "var")
    (tmp_path / "tree").mkdir()
    yield made.start()  # type: ignore[misc]
    made.stop()


def _answer(product: Product, url: str, data: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(product.site + url if url.startswith("/") else url, data, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _half_a_guide(own: OwnTree) -> None:
    file = own.tree / "static" / "guides" / "exercise-at-50.pdf"
    file.write_bytes(file.read_bytes()[:200_000])


def _no_guides(own: OwnTree) -> None:
    shutil.rmtree(own.tree / "static" / "guides")


def _no_cache(own: OwnTree) -> None:
    shutil.rmtree(own.data / "cache", ignore_errors=True)
    (own.data / "cache").write_text("")


def _no_static_files(own: OwnTree) -> None:
    shutil.rmtree(own.tree / "static")


def _full_disk_under_the_logs(own: OwnTree) -> None:
    for log in (own.data / "log").glob("*.log"):
        log.unlink()
        log.symlink_to("/dev/full")
    _restart_web(own)


def _restart_web(own: OwnTree) -> None:
    for pid in own.processes("granian"):
        os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        try:
            return _answer(own, "/healthz")[0] == 200
        except OSError:
            return False

    until(back)


def _no_redis(own: OwnTree) -> None:
    here = str(own.data / "redis")
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str((entry / "cwd").readlink()) == here:
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue


def _no_mailbox(own: OwnTree) -> None:
    for pid in own.processes("mailbox"):
        os.kill(pid, signal.SIGKILL)


def _no_templates(own: OwnTree) -> None:
    shutil.rmtree(own.tree / "templates")
    _restart_web(own)  # those that were read before are remembered


SABOTEURS: tuple[tuple[Callable[[OwnTree], None], bool], ...] = (
    (_half_a_guide, True), (_no_guides, True), (_no_cache, True), (_no_mailbox, True), (_no_redis, True),
    (_full_disk_under_the_logs, True), (_no_static_files, True), (_no_templates, False),
)  # fmt: skip
"""One after the other, nothing is mended between; and whether the home page still stands."""


def test_everybody_can_leave_whatever_is_broken_and_the_home_page_stands(own: OwnTree) -> None:
    own.recruit(PEOPLE)
    campaign = own.send_news()
    until(lambda: own.is_sent(campaign), 60)
    links = [link_in(own.mail(f"reader{number}@example.com", "News"), "/unsubscribe/") for number in range(PEOPLE)]
    left: list[int] = []
    for number, (saboteur, stands) in enumerate(SABOTEURS):
        saboteur(own)
        name = saboteur.__name__
        by_page, by_click, by_nothing = links[3 * number : 3 * number + 3]
        assert _answer(own, by_page)[0] == 200, name
        status, page = _answer(own, by_page, b"csrf_token=forgotten")
        assert (status, "You are unsubscribed" in page) == (200, True), name
        assert _answer(own, by_click, b"List-Unsubscribe=One-Click")[0] == 200, name
        assert _answer(own, by_nothing, b"")[0] == 200, name
        assert (_answer(own, "/")[0] == 200) is stands, name
        left += range(3 * number, 3 * number + 3)
        told = {email for (email,) in own.query("SELECT email FROM subscribers WHERE status = 'unsubscribed'")}
        assert told == {f"reader{one}@example.com" for one in left}, name
    export = own.command("subscribers", "export")
    assert all(f"reader{one}@example.com,Reader,unsubscribed" in export for one in left), export
