"""How well one colour can be read on another: WCAG 2.2, success criterion 1.4.3."""

import colorsys

READABLE = 4.5
"""The least contrast of text with what lies behind it."""
LIGHT, DARK = "#ffffff", "#000000"
"""One of the two can be read on any colour (4.58 : 1 or more)."""
ACCENT = "#0f5f63"
"""The colour of buttons and links where nobody has chosen another."""


def contrast(one: str, other: str) -> float:
    """The contrast of two `#rrggbb` colours, from 1 (the same) to 21 (black and white); WCAG 2.2's definition."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def nearest(colour: str, other: str, least: float = READABLE) -> str:
    """The colour of the same hue, lighter or darker by as little as it takes, that has this contrast with `other`.

    Both are `#rrggbb`. Where no lightness of the hue has it: black or white, whichever is easier to read.
    """
    if contrast(colour, other) >= least:
        return colour
    hue, light, full = colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    for step in range(1, 256):
        for shade in (light - step / 255, light + step / 255):
            if 0 <= shade <= 1:
                parts = colorsys.hls_to_rgb(hue, shade, full)
                found = "#" + "".join(f"{round(part * 255):02x}" for part in parts)
                if contrast(found, other) >= least:
                    return found
    return max(LIGHT, DARK, key=lambda one: contrast(one, other))


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
