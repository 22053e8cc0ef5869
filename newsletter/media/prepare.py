"""A picture made ready for mail: turned upright, without what a camera writes into it, no larger than it is shown.

Mail programs show a column of 600 pixels, phones with twice as many points to a pixel; what is larger is waited for and
not seen. Where it was taken, and by whom, is nobody's business (UK GDPR Art. 5(1)(c)): no metadata is kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from PIL import ExifTags, Image, ImageCms

from newsletter.languages import said

SHOWN = 544
"""Pixels in width at most where a mail shows it (`mail.render.markdown`)."""
DENSITY = 2
HIGHEST = 3000
"""Pixels in height at most, as shown: nobody scrolls farther for one picture."""
MOST_PIXELS = 40_000_000
"""More than a telephone's camera makes. Asked before anything is decoded: a few octets may unpack to gigabytes."""
HEAVIEST = 200_000
"""Octets. Heavier ones are seen late on a telephone, and weigh on whoever pays for its data."""
KINDS = ("JPEG", "PNG", "WEBP", "GIF")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What makes a picture upright, by its tag Orientation (Exif 2.32 §4.6.4)."""
_QUALITIES = (85, 78, 70, 60, 50, 40)


class BadPicture(Exception):
    """Why this file can be no picture, in words for the owner."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The file, and its width and height where it is shown."""

    data: bytes
    suffix: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Of its content and its size: it never changes under this name, so it can be kept for ever."""
        return f"{sha256(self.data).hexdigest()[:20]}-{self.width}x{self.height}.{self.suffix}"


def prepare(sent: BinaryIO) -> Prepared:
    """Make a picture ready for mail. Raises BadPicture."""
    try:
        with Image.open(sent, formats=KINDS) as image:
            if image.width * image.height > MOST_PIXELS:
                size = f"{image.width:,} × {image.height:,}"
                raise BadPicture(
                    said("This picture has %(size)s pixels; 40 million in all is the most. Make it smaller.", size=size)
                )
            if getattr(image, "is_animated", False):
                return _moving(image, sent)
            return _still(image)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture(said("This picture has too many pixels; 40 million is the most. Make it smaller.")) from None
    except Exception:  # noqa: BLE001 - of a file that is spoilt, Pillow raises whatever its parsers stumble over
        raise BadPicture(
            said(
                "This file cannot be read as a picture. JPEG, PNG, WebP and GIF are taken; a photo of an iPhone "
                "(HEIC) has to be exported as JPEG."
            )
        ) from None


def _moving(image: Image.Image, sent: BinaryIO) -> Prepared:
    """An animation stays as it is: every frame made smaller would be larger."""
    sent.seek(0)
    data = sent.read(HEAVIEST + 1)
    if image.format != "GIF" or len(data) > HEAVIEST:
        raise BadPicture(
            said("An animation has to be a GIF of 200 kB at most. Make it smaller, or choose a still picture.")
        )
    width = min(image.width, SHOWN)
    return Prepared(data=data, suffix="gif", width=width, height=_part(image.height, width, image.width))


def _still(image: Image.Image) -> Prepared:
    upright = _in_srgb(_turned(image))
    width = min(upright.width, SHOWN)
    height = _part(upright.height, width, upright.width)
    if height > HIGHEST:
        width, height = _part(width, HIGHEST, height), HIGHEST
    dense = (min(width * DENSITY, upright.width), min(height * DENSITY, upright.height))
    small = upright.resize(dense, Image.Resampling.LANCZOS) if dense != upright.size else upright
    for data, suffix in _written(small):
        if len(data) <= HEAVIEST:
            return Prepared(data=data, suffix=suffix, width=width, height=height)
    raise BadPicture(
        said("This picture stays heavier than 200 kB, however it is pressed. Crop it, or choose a calmer one.")
    )


def _part(whole: int, part: int, of: int) -> int:
    return max(round(whole * part / of), 1)


def _turned(image: Image.Image) -> Image.Image:
    """As the camera was held. Not by `ImageOps`: that writes all the other tags anew, and fails where one is odd."""
    try:
        way = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - struct.error, TypeError, KeyError …, by what is broken
        way = None
    return image if way is None else image.transpose(way)


def _in_srgb(image: Image.Image) -> Image.Image:
    """In the colours that mail programs take for granted, and in nothing but colours and transparency."""
    profile = image.info.get("icc_profile")
    see_through = image.has_transparency_data
    plain = image.convert("RGBA" if see_through else "RGB")
    if profile and image.mode in ("RGB", "RGBA"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            made = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode=plain.mode)
            plain = made or plain
        except (ImageCms.PyCMSError, OSError):
            pass  # a profile that nobody can read is no reason to refuse the picture
    plain.info = {}
    return plain


def _written(image: Image.Image) -> Iterator[tuple[bytes, str]]:
    """Ways to write it, the best first."""
    if image.mode == "RGBA":
        yield _saved(image, "PNG", optimize=True), "png"
        yield _saved(image.quantize(256, method=Image.Quantize.FASTOCTREE), "PNG", optimize=True), "png"
        return
    few = image.getcolors(256)
    if few is not None:  # a drawing: sharp edges that JPEG would smear
        yield _saved(image.quantize(len(few)), "PNG", optimize=True), "png"
    for quality in _QUALITIES:
        yield _saved(image, "JPEG", quality=quality, optimize=True, progressive=True), "jpg"


def _saved(image: Image.Image, kind: str, **how: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
