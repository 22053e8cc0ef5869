"""Build the guides: every book of site.toml from its Typst source to a tagged PDF and to a page for phones.

`python guides/build.py [--site FILE] [--out FOLDER] [--check]` writes `<slug>.pdf` and `<slug>/read.html`
for each guide, prints its pages and size, and ends with status 1, leaving the old files alone, where a
book does not compile or does not keep the plan of its pages; the message names the page that
overflows. The same sources give the same bytes: the date is fixed, and only the fonts named here are
used. `--check` has veraPDF validate what was built, and ends with status 1 where a rule is broken.
"""

import argparse
import importlib.resources
import json
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pdfua
import phone
import pypdfium2
import typst
from failure import BuildError
from rows import with_row_headers

GUIDES = Path(__file__).resolve().parent
ROOT = GUIDES.parent
BIGGEST = 2 * 1024 * 1024
# Points from the edge of the paper inside which no letter may stand.
EDGE = 25
FOOT = 15
# Least contrast of words (WCAG 2.2, 1.4.3), and the warm paper of brand.typ.
READABLE = 4.5
WARM = "#f3f1ec"
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


def compiler_of(slug: str, site: Mapping[str, Any], fonts: Path, edition: str = "print") -> typst.Compiler:
    """Return a compiler of one book for one edition, `print` or `phone`. Raises BuildError."""
    source = GUIDES / slug / "main.typ"
    if not source.is_file():
        raise BuildError(f"{slug}: no source at guides/{slug}/main.typ")
    return typst.Compiler(
        str(source),
        root=str(GUIDES),
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(fonts)]),
        sys_inputs={"site": json.dumps(site), "slug": slug, "edition": edition},
    )


def compile_book(slug: str, site: Mapping[str, Any], fonts: Path) -> tuple[bytes, list[dict[str, Any]]]:
    """Return the PDF/UA-1 bytes of one book, and where its planned pages begin. Raises BuildError."""
    compiler = compiler_of(slug, site, fonts, "print")
    try:
        pdf = compiler.compile(format="pdf", pdf_standards=["ua-1"], timestamp=EDITION)
        planned = json.loads(compiler.query("<planned>", field="value"))
    except typst.TypstError as error:
        raise BuildError(f"{slug}: {error.diagnostic or error.message}") from None
    assert isinstance(pdf, bytes)  # one PDF: only images come as a list
    return with_row_headers(pdf), planned


def overflow(planned: Sequence[Mapping[str, Any]]) -> str | None:
    """Return which page overflows, from the marks of planned pages in the order of the book, or None."""
    for mark in planned:
        if mark["planned"] is None or mark["page"] == mark["planned"]:
            continue
        opens = f"“{mark['words']}” is planned for page {mark['planned']} and opens on page {mark['page']}"
        if mark["page"] > mark["planned"]:
            return f"page {mark['planned'] - 1} overflows: {opens}"
        return f"page {mark['page'] - 1} is too short: {opens}"
    return None


def spills(pdf: bytes) -> list[str]:
    """Return a line for each page on which words run past the edge of the text."""
    document = pypdfium2.PdfDocument(pdf)
    found = []
    try:
        for number, page in enumerate(document, 1):
            text = page.get_textpage()
            right = page.get_width() - EDGE
            for index in range(text.count_chars()):
                left_side, bottom, right_side, _ = text.get_charbox(index)
                if right_side > left_side and (left_side < EDGE or right_side > right or bottom < FOOT):
                    near = text.get_text_range(max(index - 20, 0), 30)
                    found.append(f"page {number}: words run past its edge near “{' '.join(near.split())}”")
                    break
    finally:
        document.close()
    return found


def count_pages(pdf: bytes) -> int:
    """Return the number of pages of a PDF given as bytes."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, success criterion 1.4.3)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def check_accent(guide: Mapping[str, Any]) -> None:
    """Raise BuildError where words in the accent colour would not stand out from their paper."""
    slug, accent = guide["slug"], str(guide.get("accent", ""))
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", accent):
        raise BuildError(f"{slug}: the accent “{accent}” is no colour of the kind #0f5f63")
    tint = "#" + "".join(f"{round(int(accent[at : at + 2], 16) * 0.1 + 255 * 0.9):02x}" for at in (1, 3, 5))
    for paper in ("#ffffff", tint, WARM):
        if (found := contrast(accent, paper)) < READABLE:
            raise BuildError(
                f"{slug}: words in the accent {accent} would stand out from {paper} by {found:.1f} to 1 only; "
                f"take a darker one ({READABLE} to 1 or more)"
            )


def check_book(guide: Mapping[str, Any], pdf: bytes, planned: Sequence[Mapping[str, Any]]) -> None:
    """Raise BuildError unless the book keeps its plan: its pages, its edges, and at most 2 MiB."""
    slug, pages = guide["slug"], int(guide["pages"])
    found = count_pages(pdf)
    moved = overflow(planned) or (f"page {pages} overflows" if found > pages else None)
    if found != pages:
        raise BuildError(f"{slug}: {found} pages, but site.toml says {pages}" + (f"; {moved}" if moved else ""))
    if moved:
        raise BuildError(f"{slug}: {moved}")
    if beyond := spills(pdf):
        raise BuildError(f"{slug}: " + "; ".join(beyond))
    if len(pdf) > BIGGEST:
        raise BuildError(f"{slug}: {len(pdf)} bytes, more than {BIGGEST}")


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step, so that a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    shutil.move(name, path)


def build_guide(guide: Mapping[str, Any], site: Mapping[str, Any], fonts: Path, out: Path) -> None:
    """Build both editions of one guide into `out`. Raises BuildError and then leaves the old files."""
    slug = str(guide["slug"])
    check_accent(guide)
    pdf, planned = compile_book(slug, site, fonts)
    check_book(guide, pdf, planned)
    page = phone.page(compiler_of(slug, site, fonts, "phone"), slug, str(guide["accent"]))
    replace_file(out / f"{slug}.pdf", pdf)
    replace_file(out / slug / "read.html", page)
    print(f"{slug}.pdf  {guide['pages']} pages  {len(pdf) / 1024:.0f} KiB  for phones: {len(page) / 1024:.0f} KiB")


def build(site: Mapping[str, Any], out: Path) -> list[str]:
    """Build every guide of `site` into `out`; return one failure line for each that failed."""
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        fonts = Path(folder)
        collect_fonts(fonts)
        for guide in site["guides"]:
            try:
                build_guide(guide, site, fonts, out)
            except BuildError as failure:
                failures.append(str(failure))
    return failures


def validate(books: Sequence[Path]) -> list[str]:
    """Print what veraPDF says of built books; return the failure lines. It may be missing: that is no failure."""
    try:
        passed, failed = pdfua.check(books)
    except pdfua.NotChecked as missing:
        print(f"The guides are built. PDF/UA-1 was not checked: {missing}.")
        return []
    except BuildError as error:
        return [str(error)]
    for line in passed:
        print(line)
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Build the guides to PDF.")
    parser.add_argument("--site", type=Path, default=ROOT / "site.toml", help="the brand's data file")
    parser.add_argument("--out", type=Path, default=ROOT / "static" / "guides", help="where the PDFs go")
    parser.add_argument("--check", action="store_true", help="validate the PDFs against PDF/UA-1 with veraPDF")
    options = parser.parse_args(arguments)
    try:
        site = read_site(options.site)
        failures = build(site, options.out)
        if options.check and not failures:
            failures = validate([options.out.resolve() / f"{guide['slug']}.pdf" for guide in site["guides"]])
    except BuildError as error:
        failures = [str(error)]
    for failure in failures:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
