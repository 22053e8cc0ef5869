"""A backup of the running product, put back: nobody gets anything twice, and who has left gets nothing."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from newsletter.settings import ROOT
from tests.real.conftest import Product, link_in, until

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]  # many starts of the whole product
PEOPLE = 12


def _mails(product: Product, number: int) -> int:
    return len(product.inbox(f"reader{number}@example.com"))


def _restore(product: Product, file: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "newsletter.cli", "restore", str(file), "--yes"], cwd=ROOT, env=product.env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture
def backed_up(product: Product, tmp_path: Path) -> Path:
    """A backup that was taken before a campaign went out, which all have had since, and one has left."""
    product.recruit(PEOPLE)
    body = tmp_path / "news.md"
    body.write_text("{{ greeting }},\n\nnews.\n")
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    product.command("campaign", "send", "--subject", "News", "--body", str(body), "--at", later)
    product.command("backup", str(tmp_path / "news.zip"))
    product.command("fast-forward", "2h")
    until(lambda: all(_mails(product, number) == 1 for number in range(PEOPLE)), 90)
    leave = link_in(product.mail("reader0@example.com", "News"), "/unsubscribe/")
    product.post(leave, **{"List-Unsubscribe": "One-Click"})
    return tmp_path / "news.zip"


def test_put_back_it_sends_nothing_by_itself_and_who_left_has_left(product: Product, backed_up: Path) -> None:
    beside = _restore(product, backed_up)
    said, _ = beside.communicate(timeout=60)
    assert beside.returncode == 1 and "running already" in said, "not beside a running product"
    product.stop()
    done = _restore(product, backed_up)
    said, _ = done.communicate(timeout=60)
    assert done.returncode == 0, said
    assert "1 people had left" in said
    product.start()
    time.sleep(6)  # beat has turned several times; what should not come cannot be waited for
    assert [_mails(product, number) for number in range(PEOPLE)] == [1] * PEOPLE
    product.sign_up("new@example.com")
    product.mail("new@example.com", "confirm")
    assert "reader0@example.com,Reader,unsubscribed" in product.command("subscribers", "export")


def test_a_copy_of_the_folder_sends_nothing_and_the_first_goes_on(product: Product, backed_up: Path) -> None:
    product.stop()
    copy = Product(product.data.parent / "copy")
    shutil.copytree(product.data, copy.data)
    product.send_news()
    copy.send_news()
    copy.start()
    try:
        time.sleep(5)
        assert len(copy.inbox("reader1@example.com")) == 1
    finally:
        copy.stop()
    product.start()
    until(lambda: _mails(product, 1) == 2, 60)


def test_killed_in_the_middle_it_is_the_old_one_or_the_new_one(product: Product, backed_up: Path) -> None:
    product.stop()
    kept = product.data.parent / "kept"
    shutil.copytree(product.data, kept)
    seen = set()
    for wait in (0.0, 1.2, 1.6, 2.0, 2.5, 60.0):
        shutil.rmtree(product.data)
        shutil.copytree(kept, product.data)
        running = _restore(product, backed_up)
        try:
            running.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
        running.communicate()
        export = product.command("subscribers", "export")
        status = product.status("2")
        is_new = status["sent"] == 0
        assert status["sent"] in (0, PEOPLE)
        assert export.count("@example.com") == PEOPLE
        assert "reader0@example.com,Reader,unsubscribed" in export, "she has left in either"
        doctor = subprocess.run(
            [sys.executable, "-m", "newsletter.cli", "doctor"], cwd=ROOT, env=product.env, text=True,
            capture_output=True, timeout=120, check=False,
        ).stdout  # fmt: skip
        assert ("sending: locked" in doctor) is is_new
        seen.add(is_new)
    assert seen == {True, False}
