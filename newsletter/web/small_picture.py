"""A picture of the library beside words: its addresses, its words, and the room it takes before it is there."""

import re
from dataclasses import dataclass

from flask import url_for

from newsletter.media import TALLEST, WIDTHS

BESIDE = 72
"""Pixels in width beside the words of a form, or of an article in a list."""
_SIZE = re.compile(r"-([1-9]\d{0,3})x([1-9]\d{0,3})\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallPicture:
    """A picture as it stands beside words, `width` by `height` pixels."""

    light: dict[int, str]
    """Its addresses, by width in pixels of the file."""
    words: str
    width: int
    height: int

    @property
    def url(self) -> str:
        """One that fits most screens."""
        return self.light[min(self.light)]

    @property
    def srcset(self) -> str:
        """What a browser chooses among."""
        return ", ".join(f"{url} {width}w" for width, url in self.light.items())


def small_picture(name: str | None, words: str, beside: int = BESIDE) -> SmallPicture | None:
    """The picture of this name; None for no name, or one that says no size."""
    size = _SIZE.search(name or "")
    if size is None:
        return None
    width, height = int(size[1]), int(size[2])
    return SmallPicture(
        light={one: url_for("media.small", name=name, width=one) for one in WIDTHS},
        words=words, width=beside, height=max(round(beside * min(height / width, TALLEST)), 1),
    )  # fmt: skip
