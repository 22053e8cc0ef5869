"""Media: the pictures that an owner puts into texts."""

from newsletter.media.picture import Picture, add, remove, uses
from newsletter.media.prepare import BadPicture, Prepared, prepare

__all__ = ["BadPicture", "Picture", "Prepared", "add", "prepare", "remove", "uses"]
