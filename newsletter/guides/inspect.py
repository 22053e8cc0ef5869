"""Inspection: page count and sizes read from a guide's PDF, so that nobody has to type them."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pypdfium2

from newsletter.languages import said

PDFIUM = threading.Lock()  # PDFium is not thread-safe
END = b"%%EOF"
END_WITHIN = 2048
"""Octets from the end in which a complete PDF has `END`; PDFium also opens truncated files, which do not."""

UNFILLED = "not filled in: "
"""Prefix in a guide's keywords for each empty line of `[edition]` (guides/imprint.typ)."""


class BadGuide(Exception):
    """The file is missing, incomplete or not a PDF; the message names it."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A PDF's page count, size in octets, and a stamp that changes with the file."""

    pages: int
    size: int
    stamp: str
    unfilled: tuple[str, ...] = ()
    """Fields of its imprint that the owner has not filled in yet (site.toml, `[edition]`)."""
    shapes: tuple[float, ...] = ()
    """Height divided by width of each page."""

    def height(self, page: int, width: int) -> int:
        """The height in pixels of this page's picture at `width` pixels. Page 1 is the cover."""
        return math.ceil(round(self.shapes[page - 1] * width, 3))


def inspect(path: Path) -> Inspection:
    """Inspect a guide's PDF; cached until the file changes. Raises BadGuide."""
    try:
        status = path.stat()
    except OSError:
        raise BadGuide(
            said("The guide's file %(name)s is missing; `make guides` builds the example's.", name=path.name)
        ) from None
    return _inspected(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _inspected(path: Path, mtime_ns: int, size: int) -> Inspection:
    with opened(path) as document:
        if not len(document):
            raise BadGuide(said("The guide's file %(name)s has no pages.", name=path.name))
        words = document.get_metadata_value("Keywords").split(", ")
        unfilled = tuple(word.removeprefix(UNFILLED) for word in words if word.startswith(UNFILLED))
        shapes = tuple(_shape(*document.get_page_size(page)) for page in range(len(document)))
        return Inspection(
            pages=len(document), size=size, stamp=f"{mtime_ns:x}{size:x}", unfilled=unfilled, shapes=shapes
        )  # fmt: skip


def _shape(width: float, height: float) -> float:
    return height / width if width > 0 and height > 0 else 1.0


@contextmanager
def opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """Open a PDF while holding the PDFium lock. Raises BadGuide, also for errors within the block."""
    bad = BadGuide(
        said("The guide's file %(name)s cannot be read as a PDF; it may be copied only in part.", name=path.name)
    )
    with PDFIUM:
        try:
            if END not in _end_of(path):
                raise bad
            document = pypdfium2.PdfDocument(path)
        except (pypdfium2.PdfiumError, OSError):
            raise bad from None
        try:
            yield document
        except pypdfium2.PdfiumError:
            raise bad from None
        finally:
            document.close()


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - END_WITHIN, 0))
        return file.read()
