"""Pictures of guides' pages: light, of their own shape, drawn once, and whole whoever is killed."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier

import pytest
from PIL import Image
from pypdf import PdfWriter

from newsletter.guides import SHIPPED, WIDTHS, inspect, picture, webp
from newsletter.guides.page_picture import kept

GUIDE = SHIPPED / "recover-from-pain.pdf"
KILLED = """
import os, signal, sys
from pathlib import Path
from newsletter.guides import webp
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
webp(Path(sys.argv[1]), 1, 160, Path(sys.argv[2]))
"""


def _size(data: bytes, kind: str = "WEBP") -> tuple[int, int]:
    with Image.open(BytesIO(data)) as image:
        image.load()
        assert image.format == kind
        return image.size


@pytest.mark.parametrize("page", [1, 2, 13])
def test_a_page_is_light_and_as_wide_as_was_asked(page: int, tmp_path: Path) -> None:
    whole = picture(GUIDE, page, WIDTHS[-1], tmp_path)
    made = [webp(GUIDE, page, width, tmp_path) for width in WIDTHS]
    for width, data in zip(WIDTHS, made, strict=True):
        assert _size(data) == (width, inspect(GUIDE).height(page, width))
    assert _size(whole, "PNG") == (640, inspect(GUIDE).height(page, 640))
    assert [len(one) for one in made] == sorted(len(one) for one in made) and len(made[-1]) < len(whole) / 2


@pytest.mark.parametrize(("asked", "given"), [(0, 160), (161, 320), (641, 1200), (10**9, 1200)])
def test_another_width_gives_the_nearest_that_there_is(asked: int, given: int, tmp_path: Path) -> None:
    assert _size(webp(GUIDE, 1, asked, tmp_path))[0] == given
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("page", [0, 22, -1])
def test_a_page_that_is_not_there_has_no_picture(page: int, tmp_path: Path) -> None:
    with pytest.raises(IndexError):
        webp(GUIDE, page, 160, tmp_path)


@pytest.mark.parametrize(
    ("shape", "turned", "high"), [((800, 450), 0, 360), ((450, 800), 90, 360), ((500, 500), 0, 640)]
)
def test_a_page_of_another_shape_is_measured_as_it_is_drawn(
    shape: tuple[int, int], turned: int, high: int, tmp_path: Path
) -> None:
    writer = PdfWriter()
    writer.add_blank_page(420, 595)
    writer.add_blank_page(*shape).rotate(turned)
    writer.write(file := tmp_path / "slides.pdf")
    assert inspect(file).height(2, 640) == high
    assert _size(webp(file, 2, 640, tmp_path)) == (640, high)


def test_another_edition_is_drawn_anew(tmp_path: Path) -> None:
    file = tmp_path / "guide.pdf"
    file.write_bytes(GUIDE.read_bytes())
    before = webp(file, 1, 160, tmp_path)
    file.write_bytes((SHIPPED / "exercise-at-50.pdf").read_bytes())
    assert webp(file, 1, 160, tmp_path) != before


def test_what_many_ask_for_at_once_is_made_once(tmp_path: Path) -> None:
    made: list[bytes] = []
    gate = Barrier(8)

    def make() -> bytes:
        made.append(b"whole")
        return made[-1]

    def ask(_: int) -> bytes:
        gate.wait()
        return kept(tmp_path / "one.webp", make)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [b"whole"] * 8
    assert made == [b"whole"]


def test_where_nothing_can_be_kept_it_is_made_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert _size(webp(GUIDE, 1, 160, tmp_path / "file")) == (160, inspect(GUIDE).height(1, 160))


def test_who_is_killed_while_keeping_one_leaves_no_half_of_it(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, str(GUIDE), str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert [one.name for one in tmp_path.iterdir() if not one.name.startswith(".")] == []
    assert _size(webp(GUIDE, 1, 160, tmp_path))[0] == 160
