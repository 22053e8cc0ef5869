"""The form of a guide's public page: works without JavaScript, because every button submits all of it.

Inputs are named by the position of their block: `b.3.text` belongs to the fourth.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from werkzeug.datastructures import MultiDict

from newsletter.guides import Block, Kind, LandingPage
from newsletter.guides.landing import MOST_BLOCKS

MOST_READ = 10 * MOST_BLOCKS
"""Most blocks read from a form."""
USUAL = (Kind.OUTCOMES, Kind.SAMPLES, Kind.AUTHOR, Kind.QUESTIONS, Kind.FORM)
"""The blocks of a typical page."""
_NAME = re.compile(r"b\.([0-9]{1,3})\.kind")
_PRESS = re.compile(r"(up|down|remove|restore|ask):([0-9]{1,3})")
_KINDS = frozenset(kind.value for kind in Kind)


@dataclass
class Draft:
    """A block as typed, perhaps unfinished. `gone`: removed, but can be restored until the page is saved."""

    kind: str
    heading: str = ""
    text: str = ""
    who: str = ""
    lines: str = ""
    """One per line."""
    pages: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    picture: str = ""
    gone: bool = False

    @classmethod
    def of(cls, block: Block) -> "Draft":
        """The draft of a stored block."""
        return cls(
            kind=block.kind.value, heading=block.heading, text=block.text, who=block.who,
            lines="\n".join(block.lines), pages=[str(page) for page in block.pages], pairs=list(block.pairs),
            picture=block.picture,
        )  # fmt: skip

    @property
    def data(self) -> dict[str, Any]:
        """The block as input for `landing.read`."""
        return {
            "kind": self.kind, "heading": self.heading, "text": self.text, "who": self.who,
            "lines": self.lines.split("\n"), "pages": self.pages, "pairs": self.pairs, "picture": self.picture,
        }  # fmt: skip


@dataclass
class Typed:
    """The whole form as typed."""

    lead: str = ""
    for_whom: str = ""
    minutes: str = ""
    parts: list[Draft] = field(default_factory=list)

    @classmethod
    def of(cls, page: LandingPage | None) -> "Typed":
        """The form of a stored page, or an empty one."""
        page = page or LandingPage()
        return cls(lead=page.lead, for_whom=page.for_whom, minutes=str(page.minutes or ""),
                   parts=[Draft.of(block) for block in page.blocks])  # fmt: skip

    @classmethod
    def sent(cls, form: "MultiDict[str, str]") -> "Typed":
        """The form as submitted."""
        places = sorted({int(found[1]) for name in form if (found := _NAME.fullmatch(name))})
        parts = [_sent(form, f"b.{place}.") for place in places[:MOST_READ]]
        return cls(lead=form.get("lead", ""), for_whom=form.get("for_whom", ""), minutes=form.get("minutes", ""),
                   parts=[part for part in parts if part.kind in _KINDS])  # fmt: skip

    @property
    def data(self) -> dict[str, Any]:
        """The page as input for `landing.read`, without removed blocks."""
        return {"lead": self.lead, "for_whom": self.for_whom, "minutes": self.minutes,
                "blocks": [part.data for part in self.parts if not part.gone]}  # fmt: skip

    def place(self, number: int) -> int:
        """The position, among all blocks, of this one of those that stay."""
        return [place for place, part in enumerate(self.parts) if not part.gone][number]

    def press(self, button: str, form: Mapping[str, str]) -> None:
        """Carry out a button's action; nothing if it belongs to no block."""
        if button == "add" and form.get("add") in _KINDS:
            self.parts.append(Draft(kind=form["add"]))
        elif button == "usual":
            self.parts += [Draft(kind=kind.value) for kind in USUAL]
        found = _PRESS.fullmatch(button)
        if found is None or (place := int(found[2])) >= len(self.parts):
            return
        part = self.parts[place]
        if found[1] in ("remove", "restore"):
            part.gone = found[1] == "remove"
        elif found[1] == "ask":
            part.pairs.append(("", ""))
        else:
            to = max(0, place - 1) if found[1] == "up" else place + 1
            self.parts.insert(to, self.parts.pop(place))


def _sent(form: "MultiDict[str, str]", name: str) -> Draft:
    asked, told = form.getlist(f"{name}question"), form.getlist(f"{name}answer")
    typed = {one: form.get(f"{name}{one}", "") for one in ("kind", "heading", "text", "who", "lines", "picture")}
    return Draft(
        **typed, pages=form.getlist(f"{name}pages"), pairs=list(zip_longest(asked, told, fillvalue="")),
        gone=form.get(f"{name}gone") == "yes",
    )  # fmt: skip
