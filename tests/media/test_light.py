"""A picture of the library for pages: WebP, small, made once."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from newsletter import media


def _picture(folder: Path, mode: str = "RGB", size: tuple[int, int] = (1000, 500), kind: str = "PNG") -> Path:
    path = folder / f"{'0' * 20}-500x250.{kind.lower()}"
    colour = {"RGB": "teal", "RGBA": (0, 128, 128, 90), "P": 1}[mode]
    Image.new(mode, size, colour).save(path, kind)
    return path


def _opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


def test_it_is_webp_no_wider_than_asked_for_and_kept(tmp_path: Path) -> None:
    path = _picture(tmp_path)
    made = media.light(path, 144, tmp_path / "cache")
    seen = _opened(made)
    assert (seen.format, seen.size) == ("WEBP", (144, 72))
    path.write_bytes(b"")
    assert media.light(path, 144, tmp_path / "cache") == made
    with pytest.raises(OSError, match="cannot identify"):
        media.light(path, 288, tmp_path / "cache")


def test_of_a_tall_one_the_middle_is_taken(tmp_path: Path) -> None:
    assert _opened(media.light(_picture(tmp_path, size=(300, 2000)), 144, tmp_path / "cache")).size == (144, 216)


def test_a_smaller_one_is_not_blown_up_and_keeps_what_is_see_through(tmp_path: Path) -> None:
    seen = _opened(media.light(_picture(tmp_path, "RGBA", (100, 50)), 144, tmp_path / "cache"))
    assert (seen.size, seen.mode) == ((100, 50), "RGBA")
    assert _opened(media.light(_picture(tmp_path, "P", kind="GIF"), 288, tmp_path / "cache")).size == (288, 144)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Words ![A  field](/media/a-1x1.png) and ![B](/media/b-1x1.png)", ("a-1x1.png", "A field")),
        ('![](https://news.example.org/mail/media/a-1x1.png "Title")', ("a-1x1.png", "")),
        ("[a link](/media/a-1x1.png)", None),
        ("![Far](https://example.org/a.png)", None),
    ],
)
def test_the_first_picture_of_ours_in_a_text(text: str, found: tuple[str, str] | None) -> None:
    assert media.first_in(text) == found
