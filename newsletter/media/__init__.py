"""Media: the pictures that an owner puts into texts."""

from newsletter.media.picture import Picture, add, keep, remove, uses
from newsletter.media.prepare import BadPicture, Prepared, prepare

__all__ = ["BadPicture", "Picture", "Prepared", "add", "keep", "prepare", "remove", "uses"]
