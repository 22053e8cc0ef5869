"""Pictures of a guide's pages, rendered once and cached."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from newsletter.atomic import kept
from newsletter.guides.inspect import inspect, opened

WIDTHS = (160, 320, 640)
"""Available widths in pixels, for samples and covers at screen densities of one to three."""
LARGE = 1200
"""Width of a sample page opened to be read."""
QUALITY = 80
"""Of lossy WebP: small type stays sharp, at a third of the PNG's size."""


def picture(path: Path, page: int, width: int, cache: Path) -> bytes:
    """A PNG of one page (1 is the cover), `width` pixels wide; cached in the folder `cache` if writable.

    Raises BadGuide, and IndexError if there is no such page.
    """
    return kept(_place(path, page, width, cache, "png"), lambda: _png(_drawn(path, page, width)))


def webp(path: Path, page: int, width: int, cache: Path) -> bytes:
    """Like `picture` as WebP, in the smallest of `WIDTHS` that is at least `width`, else `LARGE`."""
    fits = next((one for one in WIDTHS if one >= width), LARGE)
    return kept(_place(path, page, fits, cache, "webp"), lambda: _webp(_drawn(path, page, fits)))


def _place(path: Path, page: int, width: int, cache: Path, suffix: str) -> Path:
    """The cache path, which changes with the guide's file. Raises BadGuide, IndexError."""
    seen = inspect(path)
    if not 1 <= page <= seen.pages:
        raise IndexError(page)
    return cache / f"{path.stem}-{seen.stamp}-{page}-{width}.{suffix}"


def _drawn(path: Path, page: int, width: int) -> Image.Image:
    with opened(path) as document:
        sheet = document[page - 1]
        image: Image.Image = sheet.render(scale=width / sheet.get_width()).to_pil()
        return image


def _png(image: Image.Image) -> bytes:
    return _written(image, "PNG", optimize=True)


def _webp(image: Image.Image) -> bytes:
    """The smaller of lossy and lossless: text compresses better without loss, photographs with."""
    return min((_written(image, "WEBP", quality=QUALITY), _written(image, "WEBP", lossless=True)), key=len)


def _written(image: Image.Image, kind: str, **how: object) -> bytes:
    out = BytesIO()
    image.save(out, format=kind, **how)
    return out.getvalue()
