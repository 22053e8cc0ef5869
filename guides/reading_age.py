"""Print the Flesch-Kincaid grade and reading age of the books and of Markdown files.

`python guides/reading_age.py [FILE ...]` reads the built books (or the PDF and Markdown files
given) and prints words, words a sentence, syllables a word, grade and age for each. Grade is
Kincaid et al. (1975): 0.39 words/sentence + 11.8 syllables/word - 15.59; age is grade + 5.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pypdfium2

ROOT = Path(__file__).resolve().parent.parent
SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+(?=[A-Z0-9“\"'(])")
WORD = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
CITATION = re.compile(r"(?<=[.!?,;”’)])\d+(?:[,-]\d+)*(?=\s|$)")
# An e that is not spoken: "move", "moves", "moved", but not "muscle", "changes", "needed".
SILENT_E = re.compile(r"[^aeiouyl]e$|[aeiouy]le$|[^aeiouylscgxzh]es$|[aeiouy]les$|thes$|[^aeiouytd]ed$")
# Two vowels side by side that are spoken apart: "idea", "science", "diet", "radio".
HIATUS = re.compile(r"(?<![tcsg])i[ao](?!us)|(?<![tc])ie(?=[nt])|iu|ea$|eo(?!p)|ua|[aeiou]ing")
# Pages of these chapters are lists of names and addresses, not prose.
NOT_PROSE = ("Contents", "References")
# Shorter is a label, longer a list or a table whose entries end without a full stop.
SHORTEST, LONGEST = 3, 40


class Reading(NamedTuple):
    """Counts of one text; grade is US school years, age is years."""

    words: int
    sentences: int
    syllables: int

    @property
    def sentence_length(self) -> float:
        """Words in the average sentence."""
        return self.words / self.sentences

    @property
    def word_length(self) -> float:
        """Syllables in the average word."""
        return self.syllables / self.words

    @property
    def grade(self) -> float:
        """Flesch-Kincaid grade, in school years."""
        return 0.39 * self.sentence_length + 11.8 * self.word_length - 15.59

    @property
    def age(self) -> float:
        """The age at which a pupil reads this with ease, in years."""
        return self.grade + 5


def count_syllables(word: str) -> int:
    """Return the spoken syllables of an English word, by its groups of vowels."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", letters))
    groups -= bool(SILENT_E.search(letters))
    groups += len(HIATUS.findall(letters))
    return max(1, groups)


def measure(sentences: Sequence[str]) -> Reading:
    """Count words and syllables over the sentences of `SHORTEST` to `LONGEST` words."""
    counted = [WORD.findall(sentence) for sentence in sentences]
    prose = [words for words in counted if SHORTEST <= len(words) <= LONGEST]
    words = [word for sentence in prose for word in sentence]
    return Reading(len(words), len(prose), sum(map(count_syllables, words)))


def split_sentences(paragraph: str) -> list[str]:
    """Split a paragraph at full stops, question and exclamation marks."""
    return SENTENCE_END.split(re.sub(r"\s+", " ", paragraph).strip())


def prose_lines(lines: Sequence[str], headings: set[str]) -> list[str]:
    """Return the lines of a page that are not furniture, headings, labels or bare figures."""
    kept = (line.strip() for line in lines[1:-1])
    return [
        CITATION.sub("", line)
        for line in kept
        if line not in headings and not line.isupper() and re.search("[a-z]", line)
    ]


def pdf_sentences(path: Path) -> list[str]:
    """Return the sentences of a book, without its contents, references and page furniture.

    The first and last line of each page are the running head and foot; headings are known from
    the bookmarks.
    """
    document = pypdfium2.PdfDocument(path)
    headings = {str(mark.get_title()) for mark in document.get_toc()}
    lines: list[str] = []
    for index in range(1, len(document)):
        page = document[index].get_textpage().get_text_bounded().splitlines()
        if not any(name in page[0] for name in NOT_PROSE):
            lines.extend(prose_lines(page, headings))
    document.close()
    return split_sentences(" ".join(lines))


def markdown_sentences(path: Path) -> list[str]:
    """Return the sentences of a Markdown file, without front matter, headings and marks."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"\{\{.*?\}\}|[*_`>]", "", text)
    text = re.sub(r"^\s*(?:[-+]|\d+\.)\s+", "\n\n", text, flags=re.MULTILINE)
    return [sentence for block in re.split(r"\n\s*\n", text) for sentence in split_sentences(block)]


def main(arguments: Sequence[str]) -> int:
    """Print one line a file; return the exit status."""
    books = sorted((ROOT / "static" / "guides").glob("*.pdf"))
    for path in [Path(one) for one in arguments] or books:
        is_pdf = path.suffix == ".pdf"
        reading = measure(pdf_sentences(path) if is_pdf else markdown_sentences(path))
        if not reading.sentences:
            print(f"{path.name}: no prose", file=sys.stderr)
            return 1
        print(
            f"{path.name:44} {reading.words:6} words  {reading.sentence_length:4.1f} a sentence"
            f"  {reading.word_length:4.2f} syllables a word"
            f"  grade {reading.grade:4.1f}  age {reading.age:4.1f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
