"""Media: the owner's picture library."""

from newsletter.media.light import TALLEST, WIDTHS, light
from newsletter.media.picture import Picture, add, first_in, keep, named_in, remove, uses
from newsletter.media.prepare import BadPicture, Prepared, prepare

__all__ = [
    "TALLEST",
    "WIDTHS",
    "BadPicture",
    "Picture",
    "Prepared",
    "add",
    "first_in",
    "keep",
    "light",
    "named_in",
    "prepare",
    "remove",
    "uses",
]
