"""The preview picture for links to a guide on other sites: its cover on its accent colour."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageFilter

from newsletter.atomic import kept
from newsletter.guides.inspect import inspect
from newsletter.guides.page_picture import picture

SIZE = 1200, 630
"""Pixels; a ratio of 1.91, which Facebook, LinkedIn, WhatsApp and X do not crop."""
COVER_HEIGHT, COVER_WIDTH = 550, 640
_SHADOW, _BLUR = (0, 0, 0, 110), 14


def share_picture(path: Path, accent: str, cache: Path) -> bytes:
    """A PNG of `SIZE`; cached in the folder `cache` if writable. `accent`: "#rrggbb". Raises BadGuide."""
    target = cache / f"{path.stem}-{inspect(path).stamp}-share-{accent.removeprefix('#')}.png"
    return kept(target, lambda: _drawn(picture(path, 1, COVER_WIDTH, cache), accent))


def _drawn(cover: bytes, accent: str) -> bytes:
    with Image.open(BytesIO(cover)) as page:
        sheet = page.convert("RGB").resize((page.width * COVER_HEIGHT // page.height, COVER_HEIGHT))
    ground = Image.new("RGB", SIZE, accent)
    at = ((SIZE[0] - sheet.width) // 2, (SIZE[1] - sheet.height) // 2)
    shadow = Image.new("RGBA", SIZE, (0, 0, 0, 0))
    shadow.paste(_SHADOW, (at[0], at[1] + 6, at[0] + sheet.width, at[1] + 6 + sheet.height))
    shadow = shadow.filter(ImageFilter.GaussianBlur(_BLUR))
    ground.paste(shadow, mask=shadow)
    ground.paste(sheet, at)
    out = BytesIO()
    ground.save(out, format="PNG", optimize=True)
    return out.getvalue()
