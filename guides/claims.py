"""Print the ledger of claims page by page, for whoever checks an edition.

`python guides/claims.py [--site FILE]` prints, for each book: the page, the words before the citation, the source, how
sure it lets us be, how it was read and what it says.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from build import GUIDES, ROOT, BuildError, collect_fonts, compiler_of, read_site


def claims_of(slug: str, ledger: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The claims of one book by source, each source's in the order of the book."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for claim in ledger:
        if claim["chapter"].startswith(f"{slug}/"):
            found.setdefault(claim["source"], []).append(claim)
    return found


def paged(slug: str, site: Mapping[str, Any], fonts: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(page, claim) in the order of the pages."""
    ledger = tomllib.loads((GUIDES / "claims.toml").read_text(encoding="utf-8"))["claims"]
    claims = claims_of(slug, ledger)
    marks = json.loads(compiler_of(slug, site, fonts).query("<claim>", field="value"))
    for mark in sorted(marks, key=lambda mark: mark["page"]):
        yield mark["page"], claims[mark["source"]][mark["place"] - 1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Print the ledger of claims page by page.")
    parser.add_argument("--site", type=Path, default=ROOT / "site.toml", help="the brand's data file")
    try:
        site = read_site(parser.parse_args(arguments).site)
        with tempfile.TemporaryDirectory() as folder:
            fonts = Path(folder)
            collect_fonts(fonts)
            for guide in site["guides"]:
                print(f"# {guide['title']}\n")
                for page, claim in paged(guide["slug"], site, fonts):
                    print(f"p. {page}  [{claim['strength']}]  … {claim['words']}")
                    print(f"    {claim['source']} ({claim['read']}, {claim['checked']}): {claim['says']}\n")
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
