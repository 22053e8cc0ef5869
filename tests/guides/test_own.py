"""A guide of the owner's own: what is taken, what is refused in words, and where it lies."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pypdfium2
import pypdfium2.raw
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject
from sqlalchemy import select

from newsletter import guides
from newsletter.guides import SHIPPED, Files, Guide, Unfit
from newsletter.runtime import Runtime

Pdf = Callable[..., bytes]


@pytest.fixture
def pdf() -> Pdf:
    """Makes a PDF of some empty pages."""

    def made(pages: int = 3, title: str = "", password: str = "", script: str = "", inside: bytes = b"") -> bytes:
        writer = PdfWriter()
        for _ in range(pages):
            writer.add_blank_page(420, 595)
        if title:
            writer.add_metadata({"/Title": title})
        if script:
            does = DictionaryObject(
                {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("1")}
            )
            if script == "when opened":
                writer.root_object[NameObject("/OpenAction")] = does
            else:
                named = DictionaryObject({NameObject("/Names"): ArrayObject([TextStringObject("a"), does])})
                writer.root_object[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): named})
        if inside:
            writer.add_attachment("a.exe", inside)
        if password:
            writer.encrypt("" if password == "none to open" else password, "owner")
        out = BytesIO()
        writer.write(out)
        return out.getvalue()

    return made


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "own", SHIPPED)


def test_a_sound_pdf_tells_its_title(pdf: Pdf, files: Files) -> None:
    assert guides.accept(files.receive(BytesIO(pdf(title="  Sleep\n well ")))) == "Sleep well"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda pdf: b"MZ\0\0 not one", "is no PDF"),
        (lambda pdf: b"", "is no PDF"),
        (lambda pdf: pdf()[:-40], "is not whole"),
        (lambda pdf: b"%PDF-1.7\n" + b"\0" * 3000 + b"%%EOF", "cannot be opened"),
        (lambda pdf: pdf(password="secret"), "asks for a password"),
        (lambda pdf: pdf(password="none to open"), "is encrypted"),
        (lambda pdf: pdf(script="in the document"), "holds scripts"),
        (lambda pdf: pdf(script="when opened"), "holds scripts"),
        (lambda pdf: pdf(inside=b"MZ"), "other files inside"),
        (lambda pdf: pdf(pages=501), "has 501 pages"),
    ],
)
def test_what_readers_would_stumble_over_is_refused_in_words(
    made: Callable[[Pdf], bytes], told: str, pdf: Pdf, files: Files
) -> None:
    with pytest.raises(Unfit, match=told):
        guides.accept(files.receive(BytesIO(made(pdf))))


def _added(runtime: Runtime, files: Files, sent: bytes, **words: str) -> str:
    with runtime.database.transaction() as session:
        received = files.receive(BytesIO(sent))
        return guides.add(session, files, received, **({"title": "", "box": "", "topic": ""} | words)).slug


def test_a_new_guide_is_named_after_its_pdf_and_hidden(runtime: Runtime, files: Files, pdf: Pdf) -> None:
    slug = _added(runtime, files, pdf(title="Sleep: why & how"))
    assert slug == "sleep-why-how"
    with runtime.database.reading() as session:
        guide = session.scalars(select(Guide).where(Guide.slug == slug)).one()
        assert (guide.title, guide.hidden, guide.pages(files)) == ("Sleep: why & how", True, 3)
        assert guide.box_words(files) == "Subscribe and receive our 3 page guide FREE."
        assert guide.position == max(session.scalars(select(Guide.position)))


def test_two_of_one_title_have_names_of_their_own(runtime: Runtime, files: Files, pdf: Pdf) -> None:
    assert [_added(runtime, files, pdf(), title="Sleep") for _ in range(2)] == ["sleep", "sleep-2"]
    assert _added(runtime, files, pdf(), title="Ä" * 200).startswith("a")
    assert _added(runtime, files, pdf(), title="../../etc/passwd") == "etc-passwd"


def test_without_any_title_it_is_asked_for_one(runtime: Runtime, files: Files, pdf: Pdf) -> None:
    with pytest.raises(Unfit, match="Give it a title"):
        _added(runtime, files, pdf())


def test_what_the_owner_sends_stands_before_the_programs_file(files: Files, pdf: Pdf) -> None:
    assert files.of("recover-from-pain") == SHIPPED / "recover-from-pain.pdf"
    with files.of("recover-from-pain").open("rb") as being_read:
        guides.replace(files, Guide(slug="recover-from-pain"), files.receive(BytesIO(pdf(pages=5))))
        assert len(PdfReader(being_read).pages) == 21
    assert len(PdfReader(files.of("recover-from-pain")).pages) == 5
    assert len(PdfReader(SHIPPED / "recover-from-pain.pdf").pages) == 21


def test_a_refused_edition_leaves_the_present_one(files: Files, pdf: Pdf) -> None:
    with pytest.raises(Unfit):
        guides.replace(files, Guide(slug="recover-from-pain"), files.receive(BytesIO(b"no")))
    assert files.of("recover-from-pain").parent == SHIPPED


def test_pdfium_counts_what_is_looked_for() -> None:
    """The names in its raw interface, which has no types."""
    with pypdfium2.PdfDocument(SHIPPED / "recover-from-pain.pdf") as document:
        assert pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) == -1
        assert pypdfium2.raw.FPDFDoc_GetJavaScriptActionCount(document) == 0
