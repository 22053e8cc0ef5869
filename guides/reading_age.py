"""Print the Flesch-Kincaid grade and reading age of the books and of Markdown files.

`python guides/reading_age.py [FILE ...]` reads the built books (or the PDF and Markdown files
given) and prints words, words a sentence, syllables a word, grade and age for each. Grade is
Kincaid et al. (1975): 0.39 words/sentence + 11.8 syllables/word - 15.59; age is grade + 5.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pypdfium2

ROOT = Path(__file__).resolve().parent.parent
SENTENCE_END = re.compile(r"(?<=[.!?:])[\"'”’)]*\d*\s+(?=[A-Z“\"'(])")
WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
# Pages of these chapters are lists of names and addresses, not prose.
NOT_PROSE = ("Contents", "References")


class Reading(NamedTuple):
    """Counts of one text; grade is US school years, age is years."""

    words: int
    sentences: int
    syllables: int

    @property
    def grade(self) -> float:
        """Flesch-Kincaid grade, in school years."""
        return 0.39 * self.words / self.sentences + 11.8 * self.syllables / self.words - 15.59

    @property
    def age(self) -> float:
        """The age at which a pupil reads this with ease, in years."""
        return self.grade + 5


def count_syllables(word: str) -> int:
    """Return the spoken syllables of an English word, by its groups of vowels."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", letters))
    if re.search(r"[^aeiouyl]e$|[^aeiouy]les$|[^aeiouytd]ed$|[^aeiouycsxzgh]es$", letters):
        groups -= 1
    if re.search(r"ia(?!n)|io(?!u|n)|eo|iu", letters):
        groups += 1
    return max(1, groups)


def measure(sentences: Sequence[str]) -> Reading:
    """Count words and syllables over `sentences`; those under three words are labels, not prose."""
    prose = [words for words in (WORD.findall(one) for one in sentences) if len(words) >= 3]
    words = [word for sentence in prose for word in sentence]
    return Reading(len(words), len(prose), sum(count_syllables(word) for word in words))


def split_sentences(paragraph: str) -> list[str]:
    """Split a paragraph at full stops, question and exclamation marks and colons."""
    return SENTENCE_END.split(re.sub(r"\s+", " ", paragraph).strip())


def page_paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of one PDF page: lines joined until one ends a sentence or is a label."""
    held: list[str] = []
    for line in text.replace("\ufffe", "").replace("\u00ad", "").splitlines():
        words = line.strip()
        held.append(words)
        if not words or re.search(r"[.!?:][”\"’)]?\d*$", words):
            yield " ".join(held)
            held = []
    yield " ".join(held)


def pdf_sentences(path: Path) -> list[str]:
    """Return the sentences of a book, without its running heads, contents and references."""
    document = pypdfium2.PdfDocument(path)
    found: list[str] = []
    for index in range(1, len(document)):
        lines = document[index].get_textpage().get_text_bounded().splitlines()
        body = "\n".join(lines)
        if any(name in "\n".join(lines[:3]) for name in NOT_PROSE):
            continue
        for paragraph in page_paragraphs(body):
            if re.search(r"[.!?]", paragraph):
                found.extend(split_sentences(paragraph))
    document.close()
    return found


def markdown_sentences(path: Path) -> list[str]:
    """Return the sentences of a Markdown file, without front matter, headings, addresses and marks."""
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\{\{.*?\}\}|[*_`>]", "", text)
    blocks = re.split(r"\n\s*\n|\n\s*(?:[-*+]|\d+\.)\s+", text)
    return [sentence for block in blocks for sentence in split_sentences(block)]


def main(arguments: Sequence[str]) -> int:
    """Print one line a file; return the exit status."""
    paths = [Path(one) for one in arguments] or sorted((ROOT / "static" / "guides").glob("*.pdf"))
    for path in paths:
        sentences = pdf_sentences(path) if path.suffix == ".pdf" else markdown_sentences(path)
        reading = measure(sentences)
        if not reading.words:
            print(f"{path.name}: no prose", file=sys.stderr)
            return 1
        print(
            f"{path.name:44} {reading.words:6} words  {reading.words / reading.sentences:4.1f} a sentence"
            f"  {reading.syllables / reading.words:4.2f} syllables a word"
            f"  grade {reading.grade:4.1f}  age {reading.age:4.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
