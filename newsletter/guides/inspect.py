"""What a guide's file says of itself: its pages are counted and pictured here, never typed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pypdfium2

from newsletter import atomic
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
    with _opened(path) as document:
        if not len(document):
            raise BadGuide(said("The guide's file %(name)s has no pages.", name=path.name))
        words = document.get_metadata_value("Keywords").split(", ")
        unfilled = tuple(word.removeprefix(UNFILLED) for word in words if word.startswith(UNFILLED))
        return Inspection(pages=len(document), size=size, stamp=f"{mtime_ns:x}{size:x}", unfilled=unfilled)


def picture(path: Path, page: int, width: int, cache: Path) -> bytes:
    """A PNG of one page (the cover is page 1), `width` pixels wide; kept in the folder `cache` where that can be.

    Raises BadGuide, and IndexError for a page that the guide does not have.
    """
    seen = inspect(path)
    if not 1 <= page <= seen.pages:
        raise IndexError(page)
    target = cache / f"{path.stem}-{seen.stamp}-{page}-{width}.png"
    with suppress(OSError):
        return target.read_bytes()
    made = _drawn(path, page, width)
    with suppress(OSError):  # a full disk, or no folder: it is drawn anew the next time
        atomic.write(target, made)
    return made


def _drawn(path: Path, page: int, width: int) -> bytes:
    with _opened(path) as document:
        sheet = document[page - 1]
        image = sheet.render(scale=width / sheet.get_width()).to_pil()
    made = BytesIO()
    image.save(made, format="PNG", optimize=True)
    return made.getvalue()


@contextmanager
def _opened(path: Path) -> Iterator[pypdfium2.PdfDocument]:
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
