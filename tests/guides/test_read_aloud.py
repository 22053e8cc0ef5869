"""What a listener trips over: long sentences, words of another English, remarks before what they are about."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guides.conftest import ROOT, SLUGS

LONGEST = 25
"""Words. Longer ones are a list: parts between semicolons or dots, or what the owner has still to fill in."""
AMERICAN = re.compile(
    r"\b(push-ups?|color|colors|center|fiber|behavior|pounds|feet tall|sidewalk|elevator|vacation|pediatric|program)\b",
    re.IGNORECASE,
)


def _spoken(slug: str) -> Iterator[str]:
    """The sentences of a book as its edition for phones has them, without drawings, sources and their marks."""
    page = (ROOT / "static" / "guides" / slug / "read.html").read_text(encoding="utf-8")
    page = page.partition('<section role="doc-bibliography"')[0]
    page = re.sub(r'<svg.*?</svg>|<span class="strength">.*?</span>|<sup>.*?</sup>', "", page, flags=re.DOTALL)
    page = re.sub(r"</(p|li|td|th|h\d|div|dd|dt|figcaption|section|label)>", "\n", page)
    for line in html.unescape(re.sub(r"<[^>]+>", "", page)).splitlines():
        yield from re.split(r"(?<=[.!?])”?\s+", " ".join(line.split()))


@pytest.mark.parametrize("slug", SLUGS)
def test_no_sentence_is_too_long_to_hear(slug: str) -> None:
    listed = re.compile(r"; | · |^Not filled in yet")
    long = [one for one in _spoken(slug) if len(one.split()) > LONGEST and not listed.search(one)]
    assert long == []


@pytest.mark.parametrize("slug", SLUGS)
def test_every_remark_stands_behind_something(slug: str) -> None:
    """A note that opens a section is heard before the sentence that it is about."""
    for chapter in sorted((ROOT / "guides" / slug).glob("*.typ")):
        early = re.findall(r"^=+ .*\n\s*#note\(head: \"([^\"]+)\"", chapter.read_text(encoding="utf-8"), re.MULTILINE)
        assert early == [], chapter.name


@pytest.mark.parametrize("path", [*SLUGS, *sorted((ROOT / "content").rglob("*.md"))], ids=str)
def test_the_english_is_british(path: str | Path) -> None:
    words = path.read_text(encoding="utf-8") if isinstance(path, Path) else "\n".join(_spoken(path))
    assert AMERICAN.findall(words) == []
