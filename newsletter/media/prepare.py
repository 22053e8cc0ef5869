"""Prepares pictures for mail: upright, without metadata, no larger than displayed.

Mails show a column of 600 pixels, on phones at twice the density; anything larger only costs time. Metadata may say
where and by whom a picture was taken, so none is kept (UK GDPR Art. 5(1)(c)).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import BinaryIO

from PIL import ExifTags, Image, ImageCms

from newsletter.languages import said

SHOWN = 544
"""Maximum width in a mail in pixels (`mail.render.markdown`)."""
DENSITY = 2
HIGHEST = 3000
"""Maximum displayed height in pixels."""
MOST_PIXELS = 40_000_000
"""More than a phone's camera takes. Checked before decoding: a few octets may decompress to gigabytes."""
HEAVIEST = 200_000
"""Octets; larger files load slowly on phones and cost mobile data."""
KINDS = ("JPEG", "PNG", "WEBP", "GIF")
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""Transposition that makes a picture upright, by its Orientation tag (Exif 2.32 §4.6.4)."""
_QUALITIES = (85, 78, 70, 60, 50, 40)


class BadPicture(Exception):
    """The file is not a usable picture; the message tells the owner why."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The file's content, and its displayed size in pixels."""

    data: bytes
    suffix: str
    width: int
    height: int

    @property
    def name(self) -> str:
        """Content hash, size and suffix. Immutable, so browsers may cache it for ever."""
        return f"{sha256(self.data).hexdigest()[:20]}-{self.width}x{self.height}.{self.suffix}"


def prepare(sent: BinaryIO) -> Prepared:
    """Prepare an uploaded picture for mail. Raises BadPicture."""
    try:
        with Image.open(sent, formats=KINDS) as image:
            if image.width * image.height > MOST_PIXELS:
                size = f"{image.width:,} × {image.height:,}"
                raise BadPicture(
                    said("This picture has %(size)s pixels; 40 million in all is the most. Make it smaller.", size=size)
                )
            if getattr(image, "is_animated", False):
                return _animation(image, sent)
            return _still(image)
    except BadPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadPicture(said("This picture has too many pixels; 40 million is the most. Make it smaller.")) from None
    except Exception:  # noqa: BLE001 - Pillow's parsers raise anything on malformed files
        raise BadPicture(
            said(
                "This file cannot be read as a picture. JPEG, PNG, WebP and GIF are taken; a photo of an iPhone "
                "(HEIC) has to be exported as JPEG."
            )
        ) from None


def _animation(image: Image.Image, sent: BinaryIO) -> Prepared:
    """An animation unchanged: re-encoding resized frames would make it larger."""
    sent.seek(0)
    data = sent.read(HEAVIEST + 1)
    if image.format != "GIF" or len(data) > HEAVIEST:
        raise BadPicture(
            said("An animation has to be a GIF of 200 kB at most. Make it smaller, or choose a still picture.")
        )
    width = min(image.width, SHOWN)
    return Prepared(data=data, suffix="gif", width=width, height=_scaled(image.height, width, image.width))


def _still(image: Image.Image) -> Prepared:
    upright = _in_srgb(_upright(image))
    width = min(upright.width, SHOWN)
    height = _scaled(upright.height, width, upright.width)
    if height > HIGHEST:
        width, height = _scaled(width, HIGHEST, height), HIGHEST
    dense = (min(width * DENSITY, upright.width), min(height * DENSITY, upright.height))
    small = upright.resize(dense, Image.Resampling.LANCZOS) if dense != upright.size else upright
    for data, suffix in _encodings(small):
        if len(data) <= HEAVIEST:
            return Prepared(data=data, suffix=suffix, width=width, height=height)
    raise BadPicture(
        said("This picture stays heavier than 200 kB, however it is pressed. Crop it, or choose a calmer one.")
    )


def _scaled(whole: int, part: int, of: int) -> int:
    return max(round(whole * part / of), 1)


def _upright(image: Image.Image) -> Image.Image:
    """The picture upright. Not `ImageOps.exif_transpose`, which rewrites all tags and fails on malformed ones."""
    try:
        way = _TRANSPOSITIONS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - struct.error, TypeError, KeyError … on malformed tags
        way = None
    return image if way is None else image.transpose(way)


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture as RGB or RGBA in sRGB, which mail programs assume."""
    profile = image.info.get("icc_profile")
    see_through = image.has_transparency_data
    plain = image.convert("RGBA" if see_through else "RGB")
    if profile and image.mode in ("RGB", "RGBA"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            made = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode=plain.mode)
            plain = made or plain
        except (ImageCms.PyCMSError, OSError):
            pass  # an unreadable profile is no reason to refuse the picture
    plain.info = {}
    return plain


def _encodings(image: Image.Image) -> Iterator[tuple[bytes, str]]:
    """Encodings with their suffixes, best quality first."""
    if image.mode == "RGBA":
        yield _encoded(image, "PNG", optimize=True), "png"
        yield _encoded(image.quantize(256, method=Image.Quantize.FASTOCTREE), "PNG", optimize=True), "png"
        return
    few = image.getcolors(256)
    if few is not None:  # a drawing, whose edges JPEG would blur
        yield _encoded(image.quantize(len(few)), "PNG", optimize=True), "png"
    for quality in _QUALITIES:
        yield _encoded(image, "JPEG", quality=quality, optimize=True, progressive=True), "jpg"


def _encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()
