"""Build the guides: every book of site.toml from its Typst source to a tagged PDF.

`python guides/build.py [--site FILE] [--out FOLDER]` writes `<slug>.pdf` for each guide, prints
its pages and size, and ends with status 1, leaving the old file alone, where a book does not
compile or does not come to the number of pages site.toml states. The same sources give the same
bytes: the date is fixed, and only the fonts named here are used.
"""

import argparse
import importlib.resources
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pypdfium2
import typst

GUIDES = Path(__file__).resolve().parent
ROOT = GUIDES.parent
BIGGEST = 2 * 1024 * 1024
# 2026-01-01T00:00:00Z, the edition's date: a build must not depend on the day it is made.
EDITION = 1767225600
# Package -> the faces the design uses. One format only, so that the choice is never the walk's.
FONTS: Mapping[str, Sequence[str]] = {
    "font_source_sans_pro": [
        f"SourceSansPro-{face}.otf"
        for face in (
            "Regular",
            "It",
            "Semibold",
            "SemiboldIt",
            "Bold",
            "BoldIt",
            "Black",
        )
    ],
    "font_source_serif_pro": [
        f"SourceSerifPro-{face}.otf" for face in ("Regular", "It", "Semibold", "SemiboldIt", "Bold", "BoldIt")
    ],
}


class BuildError(Exception):
    """A book that cannot be delivered; the message is the one line the operator reads."""


def read_site(path: Path) -> dict[str, Any]:
    """Return the data of a site.toml; raise BuildError where it is missing or malformed."""
    try:
        with path.open("rb") as file:
            site = tomllib.load(file)
    except FileNotFoundError:
        raise BuildError(f"{path}: no such file") from None
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{path}: not TOML: {error}") from None
    if "brand" not in site or not site.get("guides"):
        raise BuildError(f"{path}: needs a [brand] table and at least one [[guides]] entry")
    return site


def collect_fonts(folder: Path) -> None:
    """Copy the faces the design uses from their packages into `folder`."""
    for package, faces in FONTS.items():
        try:
            files = importlib.resources.files(package) / "files"
        except ModuleNotFoundError:
            raise BuildError(f"the font package {package} is not installed") from None
        for face in faces:
            (folder / face).write_bytes((files / face).read_bytes())


def compiler_of(slug: str, site: Mapping[str, Any], fonts: Path) -> typst.Compiler:
    """Return Typst's compiler for one book. Raises BuildError where it has no source."""
    source = GUIDES / slug / "main.typ"
    if not source.is_file():
        raise BuildError(f"{slug}: no source at guides/{slug}/main.typ")
    return typst.Compiler(
        str(source),
        root=str(GUIDES),
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(fonts)]),
        sys_inputs={"site": json.dumps(site), "slug": slug},
    )


def compile_book(slug: str, site: Mapping[str, Any], fonts: Path) -> bytes:
    """Return the PDF/UA-1 bytes of one book.

    Raises BuildError with Typst's own diagnostic, or where a margin note meets a wide element.
    """
    compiler = compiler_of(slug, site, fonts)
    try:
        pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=EDITION)
        edges = json.loads(compiler.query("<edge>", field="value"))
    except typst.TypstError as error:
        raise BuildError(f"{slug}: {error.diagnostic or error.message}") from None
    collisions = find_collisions(edges)
    if collisions:
        raise BuildError(f"{slug}: " + "; ".join(collisions))
    assert isinstance(pdf, bytes)  # one PDF: only images come as a list
    return pdf


def find_collisions(edges: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each margin note that meets a wide element or another note.

    `edges` are the marks of elements.typ in the order of the book; `y` and `bottom` are points
    from the top of the page.
    """
    boxes: list[tuple[int, str, float, float]] = []
    top: Mapping[str, Any] | None = None
    for edge in edges:
        if edge["kind"] == "note":
            boxes.append((edge["page"], "note", edge["y"], edge["bottom"]))
        elif edge["kind"] == "wide-top":
            top = top or edge
        elif top is not None:
            if top["page"] == edge["page"]:
                boxes.append((edge["page"], "wide", top["y"], edge["y"]))
            top = None
    return [
        f"page {one[0]}: a margin note meets a {other[1]} element {one[2]:.0f} pt from the top"
        for index, one in enumerate(boxes)
        for other in (*boxes[:index], *boxes[index + 1 :])
        if one[1] == "note" and one[0] == other[0] and one[2] < other[3] and other[2] < one[3]
    ]


def count_pages(pdf: bytes) -> int:
    """Return the number of pages of a PDF given as bytes."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def check_book(slug: str, pdf: bytes, pages: int) -> None:
    """Raise BuildError unless the book has exactly `pages` pages and at most 2 MiB."""
    found = count_pages(pdf)
    if found != pages:
        raise BuildError(f"{slug}: {found} pages, but site.toml says {pages}")
    if len(pdf) > BIGGEST:
        raise BuildError(f"{slug}: {len(pdf)} bytes, more than {BIGGEST}")


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, so that a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".pdf")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    shutil.move(name, path)


def build(site: Mapping[str, Any], out: Path) -> list[str]:
    """Build every guide of `site` into `out`; return one failure line for each that failed."""
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        fonts = Path(folder)
        collect_fonts(fonts)
        for guide in site["guides"]:
            slug = str(guide["slug"])
            try:
                pdf = compile_book(slug, site, fonts)
                check_book(slug, pdf, int(guide["pages"]))
            except BuildError as failure:
                failures.append(str(failure))
                continue
            replace_file(out / f"{slug}.pdf", pdf)
            print(f"{slug}.pdf  {guide['pages']} pages  {len(pdf) / 1024:.0f} KiB")
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Build the guides to PDF.")
    parser.add_argument("--site", type=Path, default=ROOT / "site.toml", help="the brand's data file")
    parser.add_argument("--out", type=Path, default=ROOT / "static" / "guides", help="where the PDFs go")
    options = parser.parse_args(arguments)
    try:
        failures = build(read_site(options.site), options.out)
    except BuildError as error:
        failures = [str(error)]
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
