"""Media: the owner's picture library."""

from newsletter.media.picture import Picture, add, keep, named_in, remove, uses
from newsletter.media.prepare import BadPicture, Prepared, prepare

__all__ = ["BadPicture", "Picture", "Prepared", "add", "keep", "named_in", "prepare", "remove", "uses"]
