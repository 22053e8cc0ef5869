"""Validates an uploaded PDF: refuses what readers' programs or mail filters would reject."""

from pathlib import Path

import pypdfium2
import pypdfium2.raw

from newsletter.guides.inspect import END, END_WITHIN, PDFIUM
from newsletter.languages import counted, marked, said

MOST_PAGES = 500
SCRIPT = b"/JavaScript"
SCRIPTS = marked("This PDF holds scripts, which mail programs take for an attack. Export it without them.")


class Unfit(Exception):
    """The file cannot be a guide; the message tells the owner why."""


def accept(path: Path) -> str:
    """Validate a PDF and return its own title, or "". Raises Unfit."""
    with path.open("rb") as file:
        start = file.read(1024)
        file.seek(max(path.stat().st_size - END_WITHIN, 0))
        end = file.read()
    if b"%PDF-" not in start:
        raise Unfit(said("This file is no PDF. Export your guide as a PDF, and choose that file."))
    if END not in end:
        raise Unfit(said("This PDF is not whole: its end is missing. Copy or export it again."))
    if SCRIPT in path.read_bytes():  # PDFium only counts document-level scripts, not those run on opening or clicks
        raise Unfit(SCRIPTS)
    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            raise Unfit(_why(error)) from None
        try:
            return _validated(document)
        except pypdfium2.PdfiumError as error:
            raise Unfit(_why(error)) from None
        finally:
            document.close()


def _validated(document: pypdfium2.PdfDocument) -> str:
    if not 1 <= len(document) <= MOST_PAGES:
        raise Unfit(
            counted(
                "This PDF has %(num)s page; a guide has 1 to %(most)s.",
                "This PDF has %(num)s pages; a guide has 1 to %(most)s.",
                len(document),
                most=MOST_PAGES,
            )
        )
    if pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) != -1:
        raise Unfit(
            said("This PDF is encrypted, so not every reader can open, print or read it aloud. Export it without.")
        )
    if pypdfium2.raw.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        raise Unfit(SCRIPTS)
    if pypdfium2.raw.FPDFDoc_GetAttachmentCount(document) > 0:
        raise Unfit(
            said("This PDF has other files inside, which mail programs take for an attack. Export it without them.")
        )
    document[0].render(scale=0.1).close()  # check that the cover can be rendered
    return " ".join(document.get_metadata_value("Title").split())


def _why(error: pypdfium2.PdfiumError) -> str:
    if "password" in str(error).lower():
        return said("This PDF asks for a password. Export it without one: your readers have none.")
    return said(
        "This PDF cannot be opened; it may be damaged. Open it yourself, export it again, and choose the new file."
    )
