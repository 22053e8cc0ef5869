"""The committed books: what a reader, a screen reader and a printer find in them."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pypdf
import pypdfium2
import pytest
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

Guide = dict[str, Any]
TWO_MIB = 2 * 1024 * 1024
ROOT = Path(__file__).resolve().parents[2]


def structure(node: Any) -> Iterator[Any]:
    """Every element of a PDF's tag tree, in reading order."""
    waiting = [node]
    while waiting:
        item = waiting.pop()
        item = item.get_object() if isinstance(item, IndirectObject) else item
        if isinstance(item, ArrayObject):
            waiting.extend(reversed(item))
        elif isinstance(item, DictionaryObject):
            if "/S" in item:
                yield item
            if "/K" in item:
                waiting.append(item["/K"])


def below(element: Any) -> list[Any]:
    """The elements right below one of a tag tree."""
    inside = element["/K"].get_object()
    parts = [part.get_object() for part in (inside if isinstance(inside, ArrayObject) else [inside])]
    return [part for part in parts if isinstance(part, DictionaryObject) and "/S" in part]


def catalog(book: pypdf.PdfReader) -> Any:
    return book.trailer["/Root"]


def tags(book: pypdf.PdfReader) -> list[Any]:
    return list(structure(catalog(book)["/StructTreeRoot"]))


def chapters(book: pypdf.PdfReader) -> list[tuple[str, int]]:
    """Level-1 bookmarks with the number of the page they open."""
    return [
        (str(mark.title), (book.get_destination_page_number(mark) or 0) + 1)
        for mark in book.outline
        if not isinstance(mark, list)
    ]


def test_has_exactly_the_pages_the_site_promises(book: pypdf.PdfReader, guide: Guide) -> None:
    assert len(book.pages) == guide["pages"]


def test_weighs_at_most_two_mebibytes(book_path: Path) -> None:
    assert book_path.stat().st_size <= TWO_MIB


def test_says_its_title_author_and_language(book: pypdf.PdfReader, guide: Guide) -> None:
    root = catalog(book)
    assert book.metadata is not None
    assert book.metadata.title == guide["title"]
    assert "Human Movement" in str(book.metadata.author)
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True


def test_is_tagged_and_declares_pdf_ua_1(book: pypdf.PdfReader) -> None:
    """ISO 14289-1 §5: the identifier stands in the document's XMP packet."""
    root = catalog(book)
    assert root["/MarkInfo"]["/Marked"].value is True
    packet = root["/Metadata"].get_object().get_data().decode("utf-8")
    assert re.search(r"<pdfuaid:part>1</pdfuaid:part>", packet)


def test_every_figure_has_alternative_text(book: pypdf.PdfReader) -> None:
    figures = [tag for tag in tags(book) if tag["/S"] == "/Figure"]
    silent = [figure for figure in figures if len(str(figure.get("/Alt", ""))) < 10]
    assert figures
    assert silent == []


def test_headings_never_skip_a_level(book: pypdf.PdfReader) -> None:
    levels = [int(tag["/S"][2:]) for tag in tags(book) if re.fullmatch(r"/H\d", tag["/S"])]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_table_headers_are_tagged(book: pypdf.PdfReader) -> None:
    kinds = Counter(str(tag["/S"]) for tag in tags(book))
    assert kinds["/TH"] >= 2 * kinds["/Table"] > 0


def test_rows_have_headers_too(book: pypdf.PdfReader) -> None:
    """A cell that lists its headers is read with these alone, so none does beside the head of a row."""
    bodies = [tag for tag in tags(book) if tag["/S"] == "/TBody"]
    tall = [rows for rows in map(below, bodies) if len(rows) > 1]
    assert len(tall) >= len(bodies) - 2 > 3
    for first, *others in (below(row) for rows in tall for row in rows):
        assert first["/S"] == "/TH"
        assert "/Row" in [one.get("/Scope") for one in first["/A"]]
        assert {cell["/S"] for cell in others} <= {"/TD"}
        assert not [one for cell in (first, *others) for one in cell.get("/A", []) if "/Headers" in one]


def test_every_font_is_embedded(book: pypdf.PdfReader) -> None:
    unembedded = set()
    for page in book.pages:
        resources: Any = page["/Resources"]
        fonts = resources.get("/Font", {})
        for font in fonts.values():
            face = font.get_object()
            inner = face["/DescendantFonts"][0].get_object() if "/DescendantFonts" in face else face
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(inner["/FontDescriptor"]):
                unembedded.add(str(face["/BaseFont"]))
    assert unembedded == set()


def test_body_text_is_at_least_eleven_points(book_path: Path) -> None:
    document = pypdfium2.PdfDocument(book_path)
    sizes: Counter[float] = Counter()
    for number in range(len(document)):
        text = document[number].get_textpage()
        for index in range(text.count_chars()):
            size = pypdfium2.raw.FPDFText_GetFontSize(text, index)
            sizes[round(size, 1)] += 1
    document.close()
    assert sizes.most_common(1)[0][0] >= 11


def test_contents_list_every_chapter_with_its_page(book: pypdf.PdfReader) -> None:
    marks = chapters(book)
    start = dict(marks)["Contents"]
    after = next(page for _, page in marks if page > start)
    text = " ".join(book.pages[n].extract_text() for n in range(start - 1, after - 1))
    text = re.sub(r"\s+", " ", text)
    for title, page in marks:
        if title != "Contents":
            assert re.search(re.escape(title) + rf" {page}\b", text), (title, page)


def bookmarks(marks: Any) -> Iterator[str]:
    """The titles of all bookmarks, of every level."""
    for mark in marks:
        if isinstance(mark, list):
            yield from bookmarks(mark)
        else:
            yield str(mark.title)


def test_no_two_bookmarks_read_alike(book: pypdf.PdfReader) -> None:
    titles = list(bookmarks(book.outline))
    assert [title for title, count in Counter(titles).items() if count > 1] == []
    assert len(titles) > 25


def test_every_exercise_and_box_is_a_heading(book: pypdf.PdfReader, guide: Guide) -> None:
    sources = "".join(path.read_text() for path in sorted((ROOT / "guides" / guide["slug"]).glob("*.typ")))
    named = len(re.findall(r"#(exercise|panel|keybox|week|mistake|pair|checklist)[(\[]", sources))
    third = [tag for tag in tags(book) if tag["/S"] in ("/H2", "/H3")]
    assert len(third) >= named > 20


def test_the_phone_number_dials(book: pypdf.PdfReader) -> None:
    assert "tel:+442079460958" in [target for kind, target in link_targets(book) if kind == "uri"]


def test_no_chapter_types_the_number_of_another(guide: Guide) -> None:
    for path in (ROOT / "guides" / guide["slug"]).glob("*.typ"):
        prose = re.sub(r'alt: "[^"]*"|^\s*//.*$', "", path.read_text(), flags=re.MULTILINE)
        assert not re.search(r"\b([Cc]hapter|[Pp]rinciple|[Pp]age) \d", prose), path.name


def test_bookmarks_are_the_chapters_of_the_sources_in_order(book: pypdf.PdfReader, guide: Guide) -> None:
    titles = [title for title, _ in chapters(book)]
    assert len(titles) == len(set(titles)) >= 10
    numbers = [page for _, page in chapters(book)]
    assert numbers == sorted(numbers)
    assert numbers[0] == 2
    sources = "".join(path.read_text() for path in sorted((ROOT / "guides" / guide["slug"]).glob("*.typ")))
    written = set(re.findall(r"#chapter\(\[([^\]#]+)\]", sources))
    assert written
    assert written <= set(titles)


def link_targets(book: pypdf.PdfReader) -> Iterator[tuple[str, Any]]:
    """(kind, target) of every link annotation: ("uri", address) or ("page", page object)."""
    for page in book.pages:
        for note in page.get("/Annots", []):
            link = note.get_object()
            if link["/Subtype"] != "/Link":
                continue
            action = link.get("/A", {})
            if "/URI" in action:
                yield "uri", str(action["/URI"])
            else:
                target = link.get("/Dest", action.get("/D"))
                if isinstance(target, str):
                    target = book.named_destinations[target].dest_array
                yield "page", target[0].get_object()


def test_links_inside_the_book_reach_one_of_its_pages(book: pypdf.PdfReader) -> None:
    pages = [page.get_object() for page in book.pages]
    inside = [target for kind, target in link_targets(book) if kind == "page"]
    assert len(inside) >= len(chapters(book)) - 1
    assert all(target in pages for target in inside)


def test_links_out_of_the_book_are_whole_addresses(book: pypdf.PdfReader) -> None:
    out = [target for kind, target in link_targets(book) if kind == "uri"]
    bad = [address for address in out if not re.match(r"https://[\w.-]+/?|mailto:\S+@|tel:\+\d", address)]
    assert any(address.startswith("https://doi.org/10.") for address in out)
    assert bad == []


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("paper", ["#ffffff", "tint", "#f3f1ec"])
def test_every_text_colour_stands_out_from_its_paper(guide: Guide, paper: str) -> None:
    accent = guide["accent"]
    if paper == "tint":
        mixed = [round(int(accent[n : n + 2], 16) * 0.1 + 255 * 0.9) for n in (1, 3, 5)]
        paper = "#" + "".join(f"{part:02x}" for part in mixed)
    brand = (ROOT / "guides" / "brand.typ").read_text()
    muted = re.search(r'muted = rgb\("(#\w{6})"\)', brand)
    assert muted is not None
    for ink in (accent, muted[1], "#1d2a29"):
        assert contrast(ink, paper) >= 4.5, (ink, paper)
