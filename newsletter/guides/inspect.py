"""What a guide's file says of itself: its pages are counted and measured here, never typed."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pypdfium2

from newsletter.languages import said

PDFIUM = threading.Lock()  # PDFium may be used by one thread at a time
END = b"%%EOF"
END_WITHIN = 2048
"""Octets at the end of a PDF that its last mark lies in; a half-copied file has none there, yet PDFium opens it."""

UNFILLED = "not filled in: "
"""Stands in a guide's keywords before each line of `[edition]` that is empty (guides/imprint.typ)."""


class BadGuide(Exception):
    """The file is missing, not whole or no PDF; the message names it."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Page count and size in bytes of a PDF, and a stamp that changes with the file."""

    pages: int
    size: int
    stamp: str
    unfilled: tuple[str, ...] = ()
    """What the guide says is not filled in yet (site.toml, `[edition]`): who answers for it is its owner's to say."""
    shapes: tuple[float, ...] = ()
    """Of each page, its height for a width of 1."""

    def height(self, page: int, width: int) -> int:
        """How many pixels high a picture of this page is that is `width` wide. Page 1 is the cover."""
        return math.ceil(round(self.shapes[page - 1] * width, 3))


def inspect(path: Path) -> Inspection:
    """Read a guide's page count and size. Raises BadGuide."""
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
    """A document to read in, alone; what cannot be read in it is a BadGuide."""
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
