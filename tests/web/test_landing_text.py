"""The text of a guide's page in `content/guides/`: its parts, and what the guides that come with the program say."""

from pathlib import Path

import pytest

from newsletter.guides import Block, Kind
from newsletter.web import landing
from tests.web.conftest import FIFTY, PAIN, Visitor
from tests.web.owner.conftest import readable

TEXT = """---
lead: Words.
sample_pages: 2
---
{first}
## Inside

Much.

## More

And more.

## author:

Paul.

## questions: You may ask

### Is it free?

Yes.

- It is.

### Really?
Yes.
"""
OUTCOMES = "## outcomes: What you learn\n\nIn short:\n\n- One\n- Two\n"


def _blocks(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Block]:
    (folder / "guides").mkdir()
    (folder / "guides" / "one.md").write_text(text)
    monkeypatch.setattr(landing, "CONTENT", folder)
    page = landing.written("one")
    assert page is not None
    return list(page.blocks)


def test_each_section_becomes_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _blocks(TEXT.replace("{first}", OUTCOMES), tmp_path, monkeypatch)
    assert [one.kind for one in found] == [
        Kind.OUTCOMES, Kind.SAMPLES, Kind.TEXT, Kind.AUTHOR, Kind.QUESTIONS, Kind.LINK,
    ]  # fmt: skip
    outcomes, _, text, author, questions, _ = found
    assert (outcomes.heading, outcomes.lines) == ("What you learn", ("One", "Two"))
    assert text.text == "## Inside\n\nMuch.\n\n## More\n\nAnd more.\n\n"
    assert (author.heading, author.text.strip()) == ("", "Paul.")
    assert questions.heading == "You may ask"
    assert [(asked, told.strip()) for asked, told in questions.pairs] == [
        ("Is it free?", "Yes.\n\n- It is."), ("Really?", "Yes."),
    ]  # fmt: skip


def test_without_outcomes_the_samples_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _blocks(TEXT.replace("{first}", "## Authors\n\nA text."), tmp_path, monkeypatch)
    assert [one.kind for one in found][:2] == [Kind.SAMPLES, Kind.TEXT]
    assert found[1].text.startswith("## Authors"), "a heading without a colon is a text's"


@pytest.mark.parametrize("slug", [PAIN, FIFTY])
def test_the_shipped_pages_say_what_one_gets_who_wrote_it_and_what_people_ask(slug: str, visitor: Visitor) -> None:
    page = landing.written(slug)
    assert page is not None
    found = {one.kind: one for one in page.blocks}
    assert len(found[Kind.OUTCOMES].lines) == 3 and len(found[Kind.QUESTIONS].pairs) >= 5
    words = readable(visitor.get(f"/guides/{slug}").text)
    assert "What you will get out of it" in words and "Who wrote it" in words and "Questions and answers" in words
    assert all(asked in words for asked, _ in found[Kind.QUESTIONS].pairs)
    assert "author:" not in words and "{{" not in words and "Paul" in words
