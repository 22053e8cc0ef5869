"""A small picture from the library beside a text, with the size that browsers reserve before it loads."""

import re
from dataclasses import dataclass

from flask import url_for

from newsletter.media import TALLEST, WIDTHS

BESIDE = 72
"""Width in CSS pixels beside a form, or an article in a list."""
_SIZE = re.compile(r"-([1-9]\d{0,3})x([1-9]\d{0,3})\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallPicture:
    """A picture shown at `width` by `height` CSS pixels; `words` is its alternative text."""

    light: dict[int, str]
    """Its addresses, by the file's width in pixels."""
    words: str
    width: int
    height: int

    @property
    def url(self) -> str:
        """The address of the smallest file, for browsers without `srcset`."""
        return self.light[min(self.light)]

    @property
    def srcset(self) -> str:
        """The `srcset` attribute."""
        return ", ".join(f"{url} {width}w" for width, url in self.light.items())


def small_picture(name: str | None, words: str, beside: int = BESIDE) -> SmallPicture | None:
    """The picture of this name; None without a name, or if the name holds no size."""
    size = _SIZE.search(name or "")
    if size is None:
        return None
    width, height = int(size[1]), int(size[2])
    return SmallPicture(
        light={one: url_for("media.small", name=name, width=one) for one in WIDTHS},
        words=words, width=beside, height=max(round(beside * min(height / width, TALLEST)), 1),
    )  # fmt: skip
