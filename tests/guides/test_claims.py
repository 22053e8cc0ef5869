"""The ledger of claims: what it says stands in the books, and it says how much is still missing."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.guides.conftest import ROOT

GUIDES = ROOT / "guides"
LEDGER: dict[str, Any] = tomllib.loads((GUIDES / "claims.toml").read_text(encoding="utf-8"))
CITATION = re.compile(r"@([a-z][\w-]*\d{4}[\w-]*|nice-ng\d+)")


def _prose(chapter: str) -> str:
    """A chapter on one line, its citations kept and its marks of emphasis dropped."""
    return re.sub(r"\s+", " ", re.sub(r"[*_]", "", (GUIDES / chapter).read_text(encoding="utf-8")))


def _citations() -> Iterator[tuple[str, str, str]]:
    """(chapter, source, the words before it) of every citation in the books."""
    for path in sorted(GUIDES.glob("*/*.typ")):
        chapter = f"{path.parent.name}/{path.name}"
        prose = _prose(chapter)
        for found in CITATION.finditer(prose):
            before = prose[: found.start()]
            yield chapter, found[1], re.sub(r"( ?@[\w-]+)+ ?$", "", before).rstrip()


def _sources() -> set[str]:
    files = [GUIDES / "references.yml", *GUIDES.glob("*/references.yml")]
    return {key for file in files for key in re.findall(r"^([\w-]+):", file.read_text(encoding="utf-8"), re.MULTILINE)}


def _listed(chapter: str, source: str, before: str) -> bool:
    return any(
        claim["chapter"] == chapter and claim["source"] == source and before.endswith(claim["words"])
        for claim in LEDGER["claims"]
    )


@pytest.mark.parametrize("claim", LEDGER["claims"], ids=lambda claim: f"{claim['source']}: {claim['words'][:30]}")
def test_a_claim_stands_in_its_chapter_and_cites_its_source(claim: dict[str, Any]) -> None:
    assert claim["source"] in _sources()
    assert claim["strength"] in {"strong", "fair", "thin"}
    assert claim["read"] in {"abstract", "summary", "text"}
    assert len(claim["says"]) > 30
    places = [place for place in _citations() if place[:2] == (claim["chapter"], claim["source"])]
    assert any(before.endswith(claim["words"]) for _, _, before in places)


def test_the_ledger_says_how_many_citations_it_does_not_hold_yet() -> None:
    missing = [
        f"{chapter} @{source}" for chapter, source, before in _citations() if not _listed(chapter, source, before)
    ]
    assert len(missing) == LEDGER["open"], missing


def test_every_citation_names_a_source() -> None:
    assert {source for _, source, _ in _citations()} <= _sources()
