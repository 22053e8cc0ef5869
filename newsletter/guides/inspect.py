"""What a guide's file says of itself: its pages are counted and pictured here, never typed."""

import os
import tempfile
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pypdfium2

_pdfium = threading.Lock()  # PDFium may be used by one thread at a time


class BadGuide(Exception):
    """The file is missing or is no PDF; the message names it."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Page count and size in bytes of a PDF, and a stamp that changes with the file."""

    pages: int
    size: int
    stamp: str


def inspect(path: Path) -> Inspection:
    """Read a guide's page count and size. Raises BadGuide."""
    try:
        status = path.stat()
    except OSError:
        raise BadGuide(f"The guide's file {path.name} is missing; `make guides` builds the example's.") from None
    return _inspected(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _inspected(path: Path, mtime_ns: int, size: int) -> Inspection:
    with _pdfium:
        document = _opened(path)
        try:
            return Inspection(len(document), size, f"{mtime_ns:x}{size:x}")
        finally:
            document.close()


def picture(path: Path, page: int, width: int, cache: Path) -> Path:
    """A PNG of one page (the cover is page 1), `width` pixels wide; made once and kept in the folder `cache`.

    Raises BadGuide, and IndexError for a page that the guide does not have.
    """
    seen = inspect(path)
    if not 1 <= page <= seen.pages:
        raise IndexError(page)
    target = cache / f"{path.stem}-{seen.stamp}-{page}-{width}.png"
    if not target.exists():
        with _pdfium:
            document = _opened(path)
            try:
                sheet = document[page - 1]
                image = sheet.render(scale=width / sheet.get_width()).to_pil()
            finally:
                document.close()
        cache.mkdir(parents=True, exist_ok=True)
        handle, half = tempfile.mkstemp(dir=cache, suffix=".png")
        with os.fdopen(handle, "wb") as file:
            image.save(file, format="PNG", optimize=True)
        os.replace(half, target)  # another process sees the whole picture or none
    return target


def _opened(path: Path) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(path)
    except (pypdfium2.PdfiumError, OSError):
        raise BadGuide(f"The guide's file {path.name} cannot be read as a PDF.") from None
