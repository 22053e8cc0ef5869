"""A file's bytes as numbered lines of text: UTF-8, UTF-16, UTF-32 or Windows-1252, whatever the program wrote.

Windows-1252 is what Excel writes as "CSV" in western Europe, and a file put together from two programs holds both. So
each line is read by itself: what is no UTF-8 is Windows-1252 (WHATWG Encoding Standard, by that name), and the number
of such lines is told.
"""

import codecs
import io
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

from newsletter.imports.report import BadFile
from newsletter.languages import marked, said

LONGEST_LINE = 1 << 20
"""Characters. A longer line is no row about a person, and holding it would let one file take all the memory."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_OTHERS = (
    (b"PK\x03\x04", marked("a spreadsheet (XLSX) or a ZIP archive")), (b"\x1f\x8b", marked("a compressed file (gzip)")),
    (b"\xd0\xcf\x11\xe0", marked("an old spreadsheet (XLS)")), (b"%PDF", marked("a PDF")),
)  # fmt: skip


class Line(NamedTuple):
    """One physical line without its end. `sound`: False when bytes of it could not be read.

    A tuple, like all that is made for each row: it takes a third of the time that a frozen dataclass does.
    """

    number: int
    text: str
    sound: bool = True


class Source:
    """A binary file that can be read again from its start, and what is known of its encoding so far."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.encoding = self._recognise()
        self.utf8_lines = 0
        self.odd_lines = 0

    @property
    def label(self) -> str:
        """The encoding's name for people, after the lines were read."""
        if self.encoding != "utf-8":
            return self.encoding.removesuffix("-le").removesuffix("-be").upper()
        return "Windows-1252" if self.odd_lines and not self.utf8_lines else "UTF-8"

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._file.tell()

    def lines(self) -> Iterator[Line]:
        """Every line from the start; CRLF, LF and CR end one. Raises BadFile."""
        self._file.seek(0)
        self.utf8_lines = self.odd_lines = 0
        # Latin-1 turns each byte into one character and back, so that a line can be decoded by itself.
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
                if as_bytes and read.isascii():  # as most are
                    yield Line(number, read.rstrip("\n"))
                    continue
                line = self._decoded(number, read) if as_bytes else Line(number, read, "\ufffd" not in read)
                bare = line.text.rstrip("\n")
                yield Line(number, bare.removeprefix("\ufeff") if number == 1 else bare, line.sound)
        finally:
            with suppress(ValueError):  # the file is closed already
                text.detach()  # closing it would close the file

    def _decoded(self, number: int, latin: str) -> Line:
        raw = latin.encode("latin-1")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            self.odd_lines += 1
            text = raw.decode("cp1252", errors="replace")
            return Line(number, text, "\ufffd" not in text)
        # A mark at the start says nothing about the encoding of what follows.
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
        # UTF-16 without a mark: the letters of a heading leave every other byte zero.
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) / 4:
            return "utf-16-be" if even > odd else "utf-16-le"
        return "utf-8"
