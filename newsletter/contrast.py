"""How well one colour can be read on another: WCAG 2.2, success criterion 1.4.3."""

import colorsys

READABLE = 4.5
"""The least contrast of text with what lies behind it."""
CLEAR = 7.0
"""A contrast with room to spare (WCAG 2.2, 1.4.6)."""
DEEPEST = 0.45
"""The most saturation (of 1) of a light colour: brighter ones glare on a dark ground."""
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
    hue, light, full = colorsys.rgb_to_hls(*_parts(colour))
    for step in range(1, 256):
        for shade in (light - step / 255, light + step / 255):
            if 0 <= shade <= 1 and contrast(found := _colour(hue, shade, full), other) >= least:
                return found
    return max(LIGHT, DARK, key=lambda one: contrast(one, other))


def lightened(colour: str, ground: str) -> str:
    """`colour` in its own hue, light enough to be clear on a dark `ground`; all are `#rrggbb`."""
    hue, light, depth = colorsys.rgb_to_hls(*_parts(colour))
    for percent in range(round(light * 100), 100):
        if contrast(made := _colour(hue, percent / 100, min(depth, DEEPEST)), ground) >= CLEAR:
            return made
    return LIGHT


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _colour(hue: float, light: float, depth: float) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, light, depth))


def _luminance(colour: str) -> float:
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
