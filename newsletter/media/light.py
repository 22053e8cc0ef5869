"""A picture of the library for pages: as WebP, and no larger than it is shown there."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from newsletter.atomic import kept

WIDTHS = (144, 288, 576)
"""Pixels: beside words on screens with two to four points to a pixel, and across a telephone."""
QUALITY = 80
TALLEST = 1.5
"""Height to width: of what is higher the middle is taken, so that the room kept for it is what it fills."""


def light(path: Path, width: int, cache: Path) -> bytes:
    """The picture at `path` in at most this width, one of `WIDTHS`; kept in the folder `cache` where that can be.

    A picture's name is made of its content, so what is kept never changes. Of an animation it is the first frame.
    Raises OSError for a file that is gone or spoilt.
    """
    return kept(cache / f"{path.stem}-{width}.webp", lambda: _webp(path, width))


def _webp(path: Path, width: int) -> bytes:
    with Image.open(path) as image:
        whole = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if whole.height > whole.width * TALLEST:
        height = round(whole.width * TALLEST)
        top = (whole.height - height) // 2
        whole = whole.crop((0, top, whole.width, top + height))
    if whole.width > width:
        height = max(round(whole.height * width / whole.width), 1)
        whole = whole.resize((width, height), Image.Resampling.LANCZOS)
    out = BytesIO()
    whole.save(out, "WEBP", quality=QUALITY)
    return out.getvalue()
