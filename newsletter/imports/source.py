"""Decodes a file into numbered lines: UTF-8, UTF-16, UTF-32 or Windows-1252.

Excel's "CSV" in western Europe is Windows-1252, and a file merged from two programs mixes encodings. So each line is
decoded separately: as UTF-8, else as Windows-1252 (WHATWG Encoding Standard); the report counts such lines.
"""

import codecs
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from newsletter.imports.report import BadFile
from newsletter.languages import marked, said

LONGEST_LINE = 1 << 20
"""Characters; limits the memory one file can take."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_OTHERS = (
    (b"PK\x03\x04", marked("a spreadsheet (XLSX) or a ZIP archive")), (b"\x1f\x8b", marked("a compressed file (gzip)")),
    (b"\xd0\xcf\x11\xe0", marked("an old spreadsheet (XLS)")), (b"%PDF", marked("a PDF")),
)  # fmt: skip


class Line(NamedTuple):
    """One physical line without its line ending. `sound`: False if it could not be decoded.

    A tuple, like everything created per row: three times as fast as a frozen dataclass.
    """

    number: int
    text: str
    sound: bool = True


class Source:
    """A binary file that can be re-read from its start, and its detected encoding."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.encoding = self._recognise()
        self.utf8_lines = 0
        self.odd_lines = 0

    @property
    def label(self) -> str:
        """The encoding's name for people; only valid after the lines were read."""
        if self.encoding != "utf-8":
            return self.encoding.removesuffix("-le").removesuffix("-be").upper()
        return "Windows-1252" if self.odd_lines and not self.utf8_lines else "UTF-8"

    @property
    def position(self) -> int:
        """Octets read so far."""
        return self._file.tell()

    def lines(self) -> Iterator[Line]:
        """Every line from the start, ended by CRLF, LF or CR. Raises BadFile."""
        self._file.seek(0)
        self.utf8_lines = self.odd_lines = 0
        # Latin-1 maps bytes to characters one to one, so that each line can be decoded separately.
        as_bytes = self.encoding == "utf-8"
        text = io.TextIOWrapper(self._file, "latin-1" if as_bytes else self.encoding, errors="replace", newline=None)
        number = 0
        try:
            while read := text.readline(LONGEST_LINE):
                number += 1
                if len(read) == LONGEST_LINE:
                    raise BadFile(
                        said(
                            "Line %(number)s is longer than a million characters. The file should be CSV.",
                            number=number,
                        )
                    )
                if as_bytes and read.isascii():  # fast path
                    yield Line(number, read.rstrip("\n"))
                    continue
                line = self._decoded(number, read) if as_bytes else Line(number, read, "\ufffd" not in read)
                bare = line.text.rstrip("\n")
                yield Line(number, bare.removeprefix("\ufeff") if number == 1 else bare, line.sound)
        finally:
            with suppress(ValueError):  # already closed
                text.detach()  # otherwise collecting the wrapper closes the file

    def _decoded(self, number: int, latin: str) -> Line:
        raw = latin.encode("latin-1")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self.odd_lines += 1
            text = raw.decode("cp1252", errors="replace")
            return Line(number, text, "\ufffd" not in text)
        # A BOM alone is no evidence that the text is UTF-8.
        self.utf8_lines += text.lstrip("\ufeff").isascii() is False
        return Line(number, text)

    def _recognise(self) -> str:
        self._file.seek(0)
        head = self._file.read(4096)
        for magic, what in _OTHERS:
            if head.startswith(magic):
                raise BadFile(
                    said("This is %(what)s, not CSV. Open or unpack it, and save it as CSV (UTF-8).", what=said(what))
                )
        for mark, encoding in _BOMS:
            if head.startswith(mark):
                return encoding
        # UTF-16 without a BOM: in ASCII headings every other byte is zero.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) / 4:
            return "utf-16-be" if even > odd else "utf-16-le"
        return "utf-8"
