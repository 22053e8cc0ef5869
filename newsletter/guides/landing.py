"""LandingPage: what a guide's own page says beside its form, and the parts below it, in their owner's order.

A guide keeps it as JSON. `read` is the one way in for what somebody typed: what it gives has been checked.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from newsletter import characters
from newsletter.languages import Number, counted, said


class Kind(StrEnum):
    """What a part of the page is."""

    OUTCOMES = "outcomes"
    SAMPLES = "samples"
    AUTHOR = "author"
    QUESTIONS = "questions"
    TEXT = "text"
    QUOTE = "quote"
    PICTURE = "picture"
    FORM = "form"
    LINK = "link"
    """A button that leads up to the form."""


HEADED = frozenset((Kind.OUTCOMES, Kind.SAMPLES, Kind.AUTHOR, Kind.QUESTIONS))
"""Parts with a heading; an empty one is said by the page, in its reader's language."""
WRITTEN = frozenset((Kind.AUTHOR, Kind.TEXT))
"""Parts whose text is Markdown."""
MOST_BLOCKS, MOST_LINES, MOST_PAGES, MOST_PAIRS = 24, 12, 12, 20
LONGEST_LINE, LONGEST_TEXT, LONGEST_WHO = 300, 20_000, 120
MOST_MINUTES = 9999
Faults = dict[tuple[int | None, str], str]
"""What is wrong with which field ("" for the whole) of which part (None: the page itself)."""


class BadLanding(ValueError):
    """What was typed can be no page; `faults` says why."""

    def __init__(self, faults: Faults) -> None:
        super().__init__("; ".join(faults.values()))
        self.faults = faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One part. Which fields it uses goes by its kind; the others are empty."""

    kind: Kind
    heading: str = ""
    text: str = ""
    """Markdown of an author or a text; the words of a quotation."""
    who: str = ""
    """Who said it."""
    lines: tuple[str, ...] = ()
    """What the reader will have of the guide."""
    pages: tuple[int, ...] = ()
    """Of the PDF, as pictures."""
    pairs: tuple[tuple[str, str], ...] = ()
    """Questions, each with its answer in Markdown."""
    picture: str = ""
    """The name of one of the library."""

    @property
    def markdown(self) -> tuple[str, ...]:
        """Every text of it that is Markdown."""
        return ((self.text,) if self.kind in WRITTEN else ()) + tuple(answer for _, answer in self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingPage:
    """Beside the form: a lead, whom it is written for, and how long it takes to read (minutes; 0: not said)."""

    lead: str = ""
    for_whom: str = ""
    minutes: int = 0
    blocks: tuple[Block, ...] = ()

    @property
    def sample_pages(self) -> frozenset[int]:
        """The pages that anybody may see."""
        return frozenset(page for block in self.blocks for page in block.pages)

    @property
    def stamp(self) -> str:
        """By which it is known again."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:20]

    def as_json(self) -> dict[str, Any]:
        """As it is kept: of each part its kind, and what is not empty."""
        blocks = [{name: value for name, value in asdict(block).items() if value} for block in self.blocks]
        return {"lead": self.lead, "for_whom": self.for_whom, "minutes": self.minutes, "blocks": blocks}

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Self:
        """As it was kept."""
        return cls(lead=kept["lead"], for_whom=kept["for_whom"], minutes=kept["minutes"],
                   blocks=tuple(map(_kept, kept["blocks"])))  # fmt: skip


def _kept(block: Mapping[str, Any]) -> Block:
    return Block(
        kind=Kind(block["kind"]), heading=block.get("heading", ""), text=block.get("text", ""),
        who=block.get("who", ""), lines=tuple(block.get("lines", ())), pages=tuple(block.get("pages", ())),
        pairs=tuple((question, answer) for question, answer in block.get("pairs", ())),
        picture=block.get("picture", ""),
    )  # fmt: skip


def read(typed: Mapping[str, Any], *, pages: int, is_picture: Callable[[str], bool]) -> LandingPage:
    """The page that this makes. `typed`: as `as_json` gives it, from somebody's hand. `pages`: the guide's.
    `is_picture`: whether a picture of this name is there. Raises BadLanding."""
    faults: Faults = {}
    head = {name: _line(faults, None, name, typed.get(name), LONGEST_LINE) for name in ("lead", "for_whom")}
    minutes = str(typed.get("minutes") or "0").strip()
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) <= len(str(MOST_MINUTES))):
        faults[None, "minutes"] = said("Give whole minutes, for example 25, or leave it empty.")
        minutes = "0"
    parts = list(typed.get("blocks", ()))
    if len(parts) > MOST_BLOCKS:
        faults[None, "blocks"] = said(
            "A page has %(most)s parts at most, and these are %(num)s. Take some out, or put texts together.",
            most=MOST_BLOCKS, num=Number(len(parts)),
        )  # fmt: skip
    blocks = tuple(_read(faults, place, part, pages, is_picture) for place, part in enumerate(parts))
    if faults:
        raise BadLanding(faults)
    return LandingPage(**head, minutes=int(minutes), blocks=blocks)


def _read(faults: Faults, place: int, part: Mapping[str, Any], pages: int, is_picture: Callable[[str], bool]) -> Block:
    kind = Kind(part["kind"])
    heading = _line(faults, place, "heading", part.get("heading"), LONGEST_WHO) if kind in HEADED else ""
    if kind in (Kind.AUTHOR, Kind.TEXT, Kind.QUOTE):
        text = _text(faults, place, "text", part.get("text"))
        if not text.strip():
            faults.setdefault((place, "text"), said("Write something here, or take this part out."))
        who = _line(faults, place, "who", part.get("who"), LONGEST_WHO) if kind is Kind.QUOTE else ""
        picture = _picture(faults, place, part, is_picture) if kind is Kind.AUTHOR else ""
        return Block(kind=kind, heading=heading, text=text, who=who, picture=picture)
    if kind is Kind.OUTCOMES:
        return Block(kind=kind, heading=heading, lines=_lines(faults, place, part.get("lines", ())))
    if kind is Kind.SAMPLES:
        return Block(kind=kind, heading=heading, pages=_pages(faults, place, part.get("pages", ()), pages))
    if kind is Kind.QUESTIONS:
        return Block(kind=kind, heading=heading, pairs=_pairs(faults, place, part.get("pairs", ())))
    if kind is Kind.PICTURE:
        picture = _picture(faults, place, part, is_picture)
        if not picture:
            faults.setdefault((place, "picture"), said("Choose a picture, or take this part out."))
        return Block(kind=kind, picture=picture)
    return Block(kind=kind)


def _line(faults: Faults, place: int | None, name: str, typed: Any, most: int) -> str:
    line = characters.line(str(typed or ""))
    if len(line) > most:
        faults[place, name] = said("%(most)s characters are the most here.", most=Number(most))
    return line


def _text(faults: Faults, place: int, name: str, typed: Any) -> str:
    text = characters.text(str(typed or ""))
    if len(text) > LONGEST_TEXT:
        faults[place, name] = said("%(most)s characters are the most here.", most=Number(LONGEST_TEXT))
    return text


def _lines(faults: Faults, place: int, typed: Sequence[str]) -> tuple[str, ...]:
    lines = tuple(filter(None, map(characters.line, typed)))
    if not lines:
        faults[place, "lines"] = said("Write at least one line, or take this part out.")
    elif len(lines) > MOST_LINES:
        faults[place, "lines"] = said("%(most)s lines are the most here; three are read best.", most=MOST_LINES)
    elif any(len(line) > LONGEST_LINE for line in lines):
        faults[place, "lines"] = said("A line has %(most)s characters at most.", most=LONGEST_LINE)
    return lines


def _pages(faults: Faults, place: int, typed: Sequence[Any], pages: int) -> tuple[int, ...]:
    chosen = tuple(dict.fromkeys(int(one) for one in map(str, typed) if one.isascii() and one.isdigit()))
    if not chosen:
        faults[place, "pages"] = said("Choose at least one page, or take this part out.")
    elif len(chosen) > MOST_PAGES:
        faults[place, "pages"] = said("%(most)s pages are the most here; three are looked at best.", most=MOST_PAGES)
    elif pages and not all(1 <= page <= pages for page in chosen):
        faults[place, "pages"] = counted("The guide has %(num)s page; choose that.",
                                         "The guide has %(num)s pages; choose among them.", pages)  # fmt: skip
    return chosen


def _pairs(faults: Faults, place: int, typed: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for number, (question, answer) in enumerate(typed):
        asked = _line(faults, place, f"question-{number}", question, LONGEST_LINE)
        told = _text(faults, place, f"answer-{number}", answer)
        if asked or told.strip():
            pairs.append((asked, told))
        if asked and not told.strip():
            faults[place, f"answer-{number}"] = said("Answer it, or empty the question too.")
        elif told.strip() and not asked:
            faults[place, f"question-{number}"] = said("Say what is asked, or empty the answer too.")
    if not pairs:
        faults.setdefault((place, ""), said("Ask and answer something, or take this part out."))
    elif len(pairs) > MOST_PAIRS:
        faults[place, ""] = said("%(most)s questions are the most here.", most=MOST_PAIRS)
    return tuple(pairs)


def _picture(faults: Faults, place: int, part: Mapping[str, Any], is_picture: Callable[[str], bool]) -> str:
    name = str(part.get("picture") or "")
    if name and not is_picture(name):
        faults[place, "picture"] = said("This picture is not there any more. Choose another.")
    return name
