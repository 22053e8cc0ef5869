"""Read texts against the safety rules: `python guides/safety.py [FILE …]` prints what disagrees.

The rules are in safety.toml. A sentence that names a warning sign has to say how fast to act, no
slower than the rule does: itself, in the line above its list, or in the sentence after it. One
sentence says one speed. Without files, every text of `content/` and every chapter is read.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GUIDES = Path(__file__).resolve().parent
ROOT = GUIDES.parent
Rules = Mapping[str, Any]
# Whoever is sent to the rules themselves has been told.
POINTS_THERE = re.compile(r"\bsafety pages?\b|<(?:safety|ask|clinician)>|\btraffic light\b", re.IGNORECASE)
DURATION = re.compile(r"\b(hours?|minutes?|weeks?|months?)\b", re.IGNORECASE)
LIST_ITEM = re.compile(r"^\s*(?:[-+*•]|\d+\.)\s+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, the line above its list, and the sentence after it."""

    words: str
    lead: str = ""
    after: str = ""


def read_rules(path: Path = GUIDES / "safety.toml") -> Rules:
    """Return the safety rules."""
    with path.open("rb") as file:
        return tomllib.load(file)


def plain_markdown(text: str) -> str:
    """Return the prose of a Markdown file: no front matter, marks or link targets; headings end in a stop."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^#+ (.*)$", r"\n\1.\n", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"\{\{.*?\}\}|[*_`>\\]", "", text)


def plain_typst(text: str) -> str:
    """Return the prose of a chapter: every content block, cell and paragraph a block of its own."""
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r'\balt: "[^"]*"', "", text)
    text = re.sub(r"#context [^.]*?\.first\(\)\]?|#link\(<\w+>\)|@[\w-]+", "", text)
    text = re.sub(r"^=+ (.*)$", r"\n\1.\n", text, flags=re.MULTILINE)
    text = re.sub(r"\*\s*,?\s*\]\s*,\s*\[", "*: ", text)
    text = re.sub(r"\][\s,]*\[|[\[\]]", "\n\n", text)
    return re.sub(r"[*_#]", "", text)


def split_sentences(block: str) -> list[str]:
    """Return the sentences of one block."""
    joined = re.sub(r"\s+", " ", block).strip()
    return [part for part in re.split(r"(?<=[.!?])\s+(?=[A-Z“\"(])", joined) if part]


def passages(text: str) -> Iterator[Passage]:
    """Yield the sentences of a plain text with what stands around them."""
    lead = ""
    for block in re.split(r"\n\s*\n", text):
        if not block.strip():
            continue
        items = LIST_ITEM.split(block)
        opening, rest = ("", items[1:]) if LIST_ITEM.match(block.lstrip("\n")) else (items[0], items[1:])
        if opening.strip():
            sentences = split_sentences(opening)
            for one, after in zip(sentences, [*sentences[1:], ""], strict=True):
                yield Passage(one, "", after)
            lead = sentences[-1] if sentences[-1].endswith(":") else ""
        for item in rest:
            sentences = split_sentences(item)
            for one, after in zip(sentences, [*sentences[1:], ""], strict=True):
                yield Passage(one, lead, after)


def speeds_in(words: str, rules: Rules) -> set[int]:
    """Return the ranks of the speeds that `words` say, 0 the fastest."""
    said = {
        rank
        for rank, speed in enumerate(rules["speeds"])
        if any(re.search(pattern, words) for pattern in speed["means"])
    }
    slowest = len(rules["speeds"]) - 1
    # “Call 111 or your GP today” says one speed.
    return said - {slowest} if slowest - 1 in said else said


def named_in(words: str, rules: Rules) -> list[Mapping[str, Any]]:
    """Return the signs that a sentence names."""
    return [sign for sign in rules["signs"] if any(re.search(one, words, re.IGNORECASE) for one in sign["names"])]


def fault_of(passage: Passage, sign: Mapping[str, Any], rules: Rules) -> str | None:
    """Return what is wrong with how a passage speaks of a sign, or None."""
    ranks = {speed["id"]: rank for rank, speed in enumerate(rules["speeds"])}
    heads = [speed["head"] for speed in rules["speeds"]]
    wanted = ranks[sign["speed"]]
    if DURATION.search(passage.words) and not all(
        re.search(one, passage.words, re.IGNORECASE) for one in sign.get("says", ())
    ):
        return f"another threshold than “{sign['words']}”"
    for words in (passage.words, passage.lead, passage.after):
        if POINTS_THERE.search(words):
            return None
        said = speeds_in(words, rules)
        if len(said) > 1:
            return "two speeds in one sentence"
        if said:
            return f"slower than “{heads[wanted]}”" if max(said) > wanted else None
    return f"does not say “{heads[wanted]}”"


def light_faults(text: str, rules: Rules) -> Iterator[str]:
    """Yield where a text tells the traffic light in other words or with other numbers."""
    joined = re.sub(r"\s+", " ", text)
    for light in rules["light"]:
        for found in re.finditer(rf"\b{light['name']}\b,? \(?(\d[\w ]*?)\)?:", joined):
            if found[1] != light["pain"] or not joined[found.end() :].lstrip().lower().startswith(light["do"].lower()):
                yield f"the {light['name']} light reads “{light['name']}, {light['pain']}: {light['do']}”"
    if other := re.search(r"\b(above|over|below|under) \d+ (of|out of) (10|ten)\b", joined, re.IGNORECASE):
        yield f"“{other[0]}” is a threshold of its own; use the traffic light"


def bone_faults(text: str, rules: Rules) -> Iterator[str]:
    """Yield where a text asks for impact and says nothing to people with thin bones."""
    joined = re.sub(r"\s+", " ", text)
    if any(re.search(one, joined) for one in rules["bone"]["says"]):
        return
    for pattern in rules["bone"]["asks"]:
        if asked := re.search(pattern, joined, re.IGNORECASE):
            yield f"bones: asks for “{asked[0]}” without “{rules['bone']['who']}, …”"


def faults(text: str, rules: Rules) -> list[str]:
    """Return one line for each place where a plain text disagrees with the rules."""
    found = [
        f"{sign['id']}: {fault}: {passage.words}"
        for passage in passages(text)
        for sign in named_in(passage.words, rules)
        if (fault := fault_of(passage, sign, rules))
    ]
    joined = re.sub(r"\s+", " ", text)
    for sign in rules["signs"]:
        for pattern in sign.get("never", ()):
            if old := re.search(pattern, joined, re.IGNORECASE):
                found.append(f"{sign['id']}: “{old[0]}” is an old threshold")
    return [*found, *light_faults(text, rules), *bone_faults(text, rules)]


def plain(path: Path) -> str:
    """Return the prose of a Markdown file or a chapter."""
    text = path.read_text(encoding="utf-8")
    return plain_typst(text) if path.suffix == ".typ" else plain_markdown(text)


def texts() -> list[Path]:
    """Return every text that speaks to readers."""
    return sorted([*(ROOT / "content").rglob("*.md"), *GUIDES.glob("*/*.typ")])


def main(arguments: Sequence[str]) -> int:
    """Print what disagrees, a line each; return the exit status."""
    rules = read_rules()
    wrong = [
        f"{path}: {fault}"
        for path in [Path(one) for one in arguments] or texts()
        for fault in faults(plain(path), rules)
    ]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
