"""The three colours of a form, and whether its words can be read in them (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from dataclasses import dataclass

from newsletter.contrast import DARK, LIGHT, READABLE, contrast
from newsletter.languages import marked, said

SEEN = 3.0
"""The least contrast of the border of a field."""
_HEX = re.compile(r"#[0-9a-f]{6}\Z")

_NO_COLOUR = (
    marked("The colour of the ground should be # and six digits, such as #0f5f63."),
    marked("The colour of the text should be # and six digits, such as #0f5f63."),
    marked("The colour of the button should be # and six digits, such as #0f5f63."),
)
_UNREADABLE = (
    marked("The text has a contrast of %(found)s : 1 with the ground; people need %(least)s : 1. Make one of the two "
           "darker or lighter."),
    marked("The button has a contrast of %(found)s : 1 with the ground; people need %(least)s : 1. Make one of the two "
           "darker or lighter."),
)  # fmt: skip


class BadColours(ValueError):
    """These colours cannot be read, or are none; the message says which and what to change."""


@dataclass(frozen=True, slots=True)
class Colours:
    """Ground, text, and the button's (links have it too). Each is `#rrggbb` in small letters."""

    ground: str
    ink: str
    accent: str

    @property
    def on_accent(self) -> str:
        """The colour of the button's label: white, or black where that is easier to read."""
        return max(LIGHT, DARK, key=lambda one: contrast(one, self.accent))

    @property
    def is_dark(self) -> bool:
        """Whether the browser's own parts (the tick of a box, the text cursor) belong on a dark ground."""
        return contrast(self.ground, LIGHT) > contrast(self.ground, DARK)

    @property
    def edge(self) -> str:
        """Halfway between ground and text, so far towards the text that a field's border can be seen (3 : 1)."""
        for share in range(4, 11):
            mixed = _mixed(self.ground, self.ink, share / 10)
            if contrast(mixed, self.ground) >= SEEN:
                return mixed
        return self.ink

    def check(self) -> None:
        """Raise BadColours, naming the first pair that cannot be read."""
        for told, value in zip(_NO_COLOUR, (self.ground, self.ink, self.accent), strict=True):
            if not _HEX.match(value):
                raise BadColours(said(told))
        for told, value in zip(_UNREADABLE, (self.ink, self.accent), strict=True):
            if (found := contrast(value, self.ground)) < READABLE:
                tenth = f"{found:.1f}"
                raise BadColours(said(told, found=tenth, least=READABLE))


def _mixed(one: str, other: str, share: float) -> str:
    parts = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)
