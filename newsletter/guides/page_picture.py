"""Pictures of a guide's pages: drawn once, and kept."""

import threading
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image

from newsletter import atomic
from newsletter.guides.inspect import inspect, opened

WIDTHS = (160, 320, 640)
"""Pixels in which pages of the site have them: a sample and a cover beside words, on screens with one to three points
to a pixel."""
QUALITY = 80
"""Of the lossy kind: small type stays sharp, and a page weighs a third of its PNG."""
_MAKING = threading.RLock()
"""Many who ask at once for what is not kept yet wait for the one who makes it."""


def picture(path: Path, page: int, width: int, cache: Path) -> bytes:
    """A PNG of one page (the cover is page 1), `width` pixels wide; kept in the folder `cache` where that can be.

    Raises BadGuide, and IndexError for a page that the guide does not have.
    """
    return kept(_place(path, page, width, cache, "png"), lambda: _png(_drawn(path, page, width)))


def webp(path: Path, page: int, width: int, cache: Path) -> bytes:
    """The same as WebP, in the least of `WIDTHS` that is no narrower than `width`, else in the greatest."""
    fits = next((one for one in WIDTHS if one >= width), WIDTHS[-1])
    return kept(_place(path, page, fits, cache, "webp"), lambda: _webp(_drawn(path, page, fits)))


def kept(target: Path, make: Callable[[], bytes]) -> bytes:
    """What lies in this file; else what `make` gives, which lies there from now on, whole or not at all."""
    with suppress(OSError):
        return target.read_bytes()
    with _MAKING:
        with suppress(OSError):  # somebody else has made it meanwhile
            return target.read_bytes()
        made = make()
        with suppress(OSError):  # a full disk, or no folder: it is made anew the next time
            atomic.write(target, made)
        return made


def _place(path: Path, page: int, width: int, cache: Path, suffix: str) -> Path:
    """Where it is kept, under a name that changes with the guide's file."""
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
    """The lighter of two: type on plain ground weighs less without loss, a photograph with some."""
    return min((_written(image, "WEBP", quality=QUALITY), _written(image, "WEBP", lossless=True)), key=len)


def _written(image: Image.Image, kind: str, **how: object) -> bytes:
    out = BytesIO()
    image.save(out, format=kind, **how)
    return out.getvalue()
